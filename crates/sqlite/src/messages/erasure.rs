//! Erases organizations and persons from the queues of all Apps, within the caller's transaction.

use dockline::{AccountId, Change, InstallationId, OrganizationId};
use rusqlite::{Connection, params};

use super::queues::add_bytes;
use crate::database::AppNumber;
use crate::decode::{count, execute, exists, get, installation, json, parse, rows};
use crate::error::SqliteError;

const MESSAGES: &str = "SELECT count(*) FROM outbox_entries WHERE organization = ?1";

const QUEUES: &str = "SELECT app, bytes FROM outbox_queues WHERE organization = ?1";

/// Deletes entries and bodies, too, by their references.
const DELETE_QUEUES: &str = "DELETE FROM outbox_queues WHERE organization = ?1";

/// The deliveries whose body contains the digits `?1`, possibly as a part of a longer number.
const NAMED: &str = "SELECT e.rowid AS row, e.status IN ('done', 'dead') AS is_settled, b.rowid AS body_row, b.body \
    FROM outbox_bodies AS b JOIN outbox_entries AS e \
     ON e.app = b.app AND e.organization = b.organization AND e.sequence = b.sequence \
    WHERE instr(b.body, CAST(?1 AS BLOB)) > 0";

const DELETE_BODY: &str = "DELETE FROM outbox_bodies WHERE rowid = ?1";

const FORGET_BODY: &str = "UPDATE outbox_entries SET has_body = 0 WHERE rowid = ?1";

const CHANGES: &str = "SELECT rowid AS row, app, installation_id, change FROM outbox_entries WHERE change IS NOT NULL \
     AND ?1 IN (change ->> '$.before.account.id', change ->> '$.after.account.id')";

const IS_BOUND: &str =
    "SELECT 1 FROM installations WHERE app = ?1 AND installation_id = ?2 AND organization IS NOT NULL";

const REPLACE: &str = "UPDATE outbox_entries SET change = ?2 WHERE rowid = ?1";

/// Deletes the queues of an organization, and returns the number of their messages.
pub(crate) fn forget_organization(
    connection: &Connection,
    organization: &OrganizationId,
) -> Result<u64, SqliteError> {
    let organization = organization.as_str();
    let messages = count(connection, MESSAGES, [organization])?;
    let queues = rows(connection, QUEUES, [organization], |row| {
        Ok((AppNumber(get(row, "app")?), get::<i64>(row, "bytes")?))
    })?;
    for (app, bytes) in queues {
        add_bytes(connection, app, organization, -bytes)?;
    }
    execute(connection, DELETE_QUEUES, [organization])?;
    Ok(messages)
}

/// The messages in the outbox that concern a person.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Erased {
    /// Messages whose body was deleted or whose account was replaced.
    pub(crate) messages: u64,
    /// Messages that name the person and have yet to be sent.
    pub(crate) still_waiting: u64,
}

/// Deletes the bodies of settled messages that contain the number, and replaces the account in changes of installations that
/// are not bound.
pub(crate) fn forget_person(
    connection: &Connection,
    user: AccountId,
    pseudonym: AccountId,
) -> Result<Erased, SqliteError> {
    let mut erased = Erased::default();
    let digits = user.to_string();
    let named = rows(connection, NAMED, [&digits], |row| {
        let is_named = contains_number(&get::<Vec<u8>>(row, "body")?, digits.as_bytes());
        Ok(is_named.then_some((
            get::<i64>(row, "row")?,
            get::<i64>(row, "body_row")?,
            get::<bool>(row, "is_settled")?,
        )))
    })?;
    for (entry, body, is_settled) in named.into_iter().flatten() {
        if is_settled {
            execute(connection, DELETE_BODY, [body])?;
            execute(connection, FORGET_BODY, [entry])?;
            erased.messages += 1;
        } else {
            erased.still_waiting += 1;
        }
    }
    let changes = rows(connection, CHANGES, [i64::from(user)], |row| {
        let change: Change = parse(row, "change", |text: String| serde_json::from_str(&text))?;
        Ok((get::<i64>(row, "row")?, get::<i64>(row, "app")?, installation(row, "installation_id")?, change))
    })?;
    for (entry, app, installation, mut change) in changes {
        if !is_bound(connection, app, installation)? && change.forget_account(user, pseudonym) {
            execute(connection, REPLACE, params![entry, json("change", &change)?])?;
            erased.messages += 1;
        }
    }
    Ok(erased)
}

fn is_bound(connection: &Connection, app: i64, installation: InstallationId) -> Result<bool, SqliteError> {
    exists(connection, IS_BOUND, params![app, i64::from(installation)])
}

/// Returns whether the text contains the number, not as a part of a longer one.
fn contains_number(text: &[u8], digits: &[u8]) -> bool {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    text.windows(digits.len()).enumerate().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        window == digits && !is_digit(before) && !is_digit(text.get(at + digits.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_within_a_longer_one_is_another() {
        for (text, expected) in [
            ("77", true),
            ("{\"id\":77}", true),
            ("177 77", true),
            ("177", false),
            ("771", false),
            ("7", false),
        ] {
            assert_eq!(contains_number(text.as_bytes(), b"77"), expected, "{text}");
        }
    }
}
