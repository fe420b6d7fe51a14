//! Reads and writes states. Every write is part of the caller's transaction.

use dockline::{CodeFate, IssuedState, SecretDigest, StateDigest, VerifiedClaim};
use rusqlite::{Connection, Row, params};

use super::confirmations;
use crate::database::AppNumber;
use crate::decode::{account_id, column_time, digest, execute, get, installation, row, rows, text, time};
use crate::error::SqliteError;

const FIND: &str = "SELECT digest, organization, organization_name, actor, return_url, issued_at, expires_at, revoked, \
    installation_id, account_id, proof, visitor, membership FROM install_states WHERE app = ?1 AND digest = ?2";

const STORE: &str = "INSERT INTO install_states (app, digest, organization, organization_name, actor, return_url, issued_at, \
     expires_at, revoked, installation_id, account_id, proof, visitor, membership) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
    ON CONFLICT (app, digest) DO UPDATE SET organization = excluded.organization, \
     organization_name = excluded.organization_name, actor = excluded.actor, return_url = excluded.return_url, \
     issued_at = excluded.issued_at, expires_at = excluded.expires_at, revoked = excluded.revoked, \
     installation_id = excluded.installation_id, account_id = excluded.account_id, proof = excluded.proof, \
     visitor = excluded.visitor, membership = excluded.membership";

const DELETE_CODES: &str = "DELETE FROM state_codes WHERE app = ?1 AND digest = ?2";

const CODES: &str = "SELECT code, fate FROM state_codes WHERE app = ?1 AND digest = ?2";

const STORE_CODE: &str = "INSERT INTO state_codes (app, digest, code, fate) VALUES (?1, ?2, ?3, ?4)";

const SETTLE_CODE: &str = "UPDATE state_codes SET fate = ?4 WHERE app = ?1 AND digest = ?2 AND code = ?3";

pub(super) fn find(
    connection: &Connection,
    app: AppNumber,
    digest: &StateDigest,
) -> Result<Option<IssuedState>, SqliteError> {
    let state = row(connection, FIND, params![app.get(), digest.as_bytes()], state)?;
    let Some(state) = state else { return Ok(None) };
    let (pending, answered) = confirmations::read(connection, app, digest)?;
    Ok(Some(IssuedState { pending, answered, ..state }))
}

/// Reads a state without its confirmations.
fn state(row: &Row<'_>) -> Result<IssuedState, SqliteError> {
    let is_tied = get::<Option<i64>>(row, "installation_id")?.is_some();
    Ok(IssuedState {
        digest: digest(row, "digest")?,
        organization: text(row, "organization")?,
        organization_name: text(row, "organization_name")?,
        actor: text(row, "actor")?,
        return_url: get(row, "return_url")?,
        issued_at: time(row, "issued_at")?,
        expires_at: time(row, "expires_at")?,
        pending: Vec::new(),
        answered: None,
        claim: is_tied.then(|| claim(row)).transpose()?,
        revoked: get(row, "revoked")?,
    })
}

pub(super) fn claim(row: &Row<'_>) -> Result<VerifiedClaim, SqliteError> {
    Ok(VerifiedClaim {
        installation: installation(row, "installation_id")?,
        account: account_id(row, "account_id")?,
        proof: text(row, "proof")?,
        visitor: account_id(row, "visitor")?,
        membership: text(row, "membership")?,
    })
}

/// Writes a state in place of any other of its digest.
pub(super) fn store(
    connection: &Connection,
    app: AppNumber,
    state: &IssuedState,
    keeps_codes: bool,
) -> Result<(), SqliteError> {
    update(connection, app, state)?;
    if !keeps_codes {
        execute(connection, DELETE_CODES, params![app.get(), state.digest.as_bytes()])?;
    }
    Ok(())
}

/// Writes a state, and keeps its codes.
pub(super) fn update(
    connection: &Connection,
    app: AppNumber,
    state: &IssuedState,
) -> Result<(), SqliteError> {
    let claim = state.claim;
    execute(
        connection,
        STORE,
        params![
            app.get(),
            state.digest.as_bytes(),
            state.organization.as_str(),
            state.organization_name.as_str(),
            state.actor.as_str(),
            state.return_url,
            column_time(state.issued_at),
            column_time(state.expires_at),
            state.revoked,
            claim.map(|claim| i64::from(claim.installation)),
            claim.map(|claim| i64::from(claim.account)),
            claim.map(|claim| claim.proof.as_str()),
            claim.map(|claim| i64::from(claim.visitor)),
            claim.map(|claim| claim.membership.as_str()),
        ],
    )?;
    confirmations::write(connection, app, state)
}

/// Returns the codes that came with a state.
pub(super) fn codes(
    connection: &Connection,
    app: AppNumber,
    state: &StateDigest,
) -> Result<Vec<(SecretDigest, CodeFate)>, SqliteError> {
    rows(connection, CODES, params![app.get(), state.as_bytes()], |row| {
        Ok((digest(row, "code")?, text(row, "fate")?))
    })
}

pub(super) fn store_code(
    connection: &Connection,
    app: AppNumber,
    state: &StateDigest,
    code: &SecretDigest,
    fate: CodeFate,
) -> Result<(), SqliteError> {
    let values = params![app.get(), state.as_bytes(), code.as_bytes(), fate.as_str()];
    execute(connection, STORE_CODE, values).map(drop)
}

pub(super) fn settle_code(
    connection: &Connection,
    app: AppNumber,
    state: &StateDigest,
    code: &SecretDigest,
    fate: CodeFate,
) -> Result<(), SqliteError> {
    let values = params![app.get(), state.as_bytes(), code.as_bytes(), fate.as_str()];
    execute(connection, SETTLE_CODE, values).map(drop)
}
