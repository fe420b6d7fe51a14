//! Reads and writes the confirmations of a state.

use dockline::{AnsweredConfirmation, IssuedState, PendingConfirmation, StateDigest};
use rusqlite::{Connection, Row, params};

use super::rows::claim;
use crate::database::AppNumber;
use crate::decode::{digest, execute, get, rows, text};
use crate::error::SqliteError;

const READ: &str = "SELECT ticket, browser, installation_id, account_id, proof, visitor, membership, setup_action, confirmed \
    FROM state_confirmations WHERE app = ?1 AND digest = ?2 ORDER BY place";

const DELETE: &str = "DELETE FROM state_confirmations WHERE app = ?1 AND digest = ?2";

const INSERT: &str = "INSERT INTO state_confirmations (app, digest, place, ticket, browser, installation_id, account_id, \
     proof, visitor, membership, setup_action, confirmed) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

/// Returns the pending confirmations, oldest first, and the one that was answered last.
pub(super) fn read(
    connection: &Connection,
    app: AppNumber,
    state: &StateDigest,
) -> Result<(Vec<PendingConfirmation>, Option<AnsweredConfirmation>), SqliteError> {
    let (mut pending, mut answered) = (Vec::new(), None);
    let all = rows(connection, READ, params![app.get(), state.as_bytes()], confirmation)?;
    for (question, confirmed) in all {
        match confirmed {
            None => pending.push(question),
            Some(confirmed) => answered = Some(AnsweredConfirmation { question, confirmed }),
        }
    }
    Ok((pending, answered))
}

fn confirmation(row: &Row<'_>) -> Result<(PendingConfirmation, Option<bool>), SqliteError> {
    let question = PendingConfirmation {
        ticket: digest(row, "ticket")?,
        browser: digest(row, "browser")?,
        claim: claim(row)?,
        setup_action: text(row, "setup_action")?,
    };
    Ok((question, get(row, "confirmed")?))
}

/// Replaces the confirmations of a state. There are at most five.
pub(super) fn write(connection: &Connection, app: AppNumber, state: &IssuedState) -> Result<(), SqliteError> {
    execute(connection, DELETE, params![app.get(), state.digest.as_bytes()])?;
    let answered = state.answered.iter().map(|answered| (&answered.question, Some(answered.confirmed)));
    let all = state.pending.iter().map(|pending| (pending, None)).chain(answered);
    for (place, (question, confirmed)) in (0_i64..).zip(all) {
        let claim = &question.claim;
        execute(
            connection,
            INSERT,
            params![
                app.get(),
                state.digest.as_bytes(),
                place,
                question.ticket.as_bytes(),
                question.browser.as_bytes(),
                i64::from(claim.installation),
                i64::from(claim.account),
                claim.proof.as_str(),
                i64::from(claim.visitor),
                claim.membership.as_str(),
                question.setup_action.as_str(),
                confirmed,
            ],
        )?;
    }
    Ok(())
}
