//! States of install links, with their confirmations and OAuth codes.

mod confirmations;
mod rows;

use async_trait::async_trait;
use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{
    AnsweredConfirmation, CodeFate, IssuedState, OrganizationId, PendingConfirmation, PortError, PortName,
    SecretDigest, StateDigest, VerifiedClaim,
};
use rusqlite::Connection;

use self::rows::{codes, find, store, store_code, update};
use crate::database::{AppDatabase, AppNumber};
use crate::error::SqliteError;

const PORT: PortName = PortName::StateStore;

/// Stores issued states in the tables `install_states`, `state_confirmations` and `state_codes`.
/// [`SqliteHousekeeping`](crate::SqliteHousekeeping) deletes expired ones.
#[derive(Debug, Clone)]
pub struct SqliteStateStore {
    database: AppDatabase,
}

impl SqliteStateStore {
    /// Uses the states of an App.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self { database: database.clone() }
    }
}

fn put(connection: &Connection, app: AppNumber, state: &IssuedState) -> Result<PutOutcome, SqliteError> {
    let mut keeps_codes = false;
    if let Some(kept) = find(connection, app, &state.digest)?
        && kept.is_live(state.issued_at)
    {
        let is_unused =
            kept.pending.is_empty() && kept.answered.is_none() && kept.claim.is_none() && !kept.revoked;
        if !is_unused || kept.organization != state.organization {
            return Ok(PutOutcome::InUse);
        }
        keeps_codes = true;
    }
    store(connection, app, state, keeps_codes)?;
    Ok(PutOutcome::Stored)
}

/// Returns the state unless it is revoked.
fn active(
    connection: &Connection,
    app: AppNumber,
    digest: &StateDigest,
) -> Result<Option<IssuedState>, SqliteError> {
    Ok(find(connection, app, digest)?.filter(|state| !state.revoked))
}

/// Returns whether `ticket` is that of a pending confirmation, or none was given.
fn accepts(state: &IssuedState, ticket: Option<SecretDigest>) -> bool {
    ticket.is_none_or(|shown| state.pending.iter().any(|pending| pending.ticket.matches(&shown)))
}

/// Makes the pending confirmation of the ticket the answered one.
fn answer(state: &mut IssuedState, ticket: Option<SecretDigest>, confirmed: bool) {
    let Some(ticket) = ticket else { return };
    let Some(index) = state.pending.iter().position(|pending| pending.ticket.matches(&ticket)) else {
        return;
    };
    state.answered = Some(AnsweredConfirmation { question: state.pending.remove(index), confirmed });
}

fn save_pending(
    connection: &Connection,
    app: AppNumber,
    digest: &StateDigest,
    pending: PendingConfirmation,
) -> Result<bool, SqliteError> {
    let Some(mut state) = active(connection, app, digest)? else { return Ok(false) };
    while state.pending.len() >= IssuedState::MOST_PENDING {
        state.pending.remove(0);
    }
    state.pending.push(pending);
    update(connection, app, &state)?;
    Ok(true)
}

fn confirm(
    connection: &Connection,
    app: AppNumber,
    digest: &StateDigest,
    ticket: Option<SecretDigest>,
    claim: VerifiedClaim,
) -> Result<ConfirmOutcome, SqliteError> {
    // Another ticket changes nothing, so that the visitors of the pending confirmations can still answer.
    let state = active(connection, app, digest)?.filter(|state| accepts(state, ticket));
    let Some(mut state) = state else { return Ok(ConfirmOutcome::Unknown) };
    let outcome = match state.claim {
        None => ConfirmOutcome::Tied,
        Some(first) if first.installation == claim.installation => ConfirmOutcome::AlreadyTied,
        Some(_) => return Ok(ConfirmOutcome::TiedToOther),
    };
    state.claim.get_or_insert(claim);
    answer(&mut state, ticket, true);
    update(connection, app, &state)?;
    Ok(outcome)
}

fn revoke(
    connection: &Connection,
    app: AppNumber,
    digest: &StateDigest,
    ticket: Option<SecretDigest>,
) -> Result<bool, SqliteError> {
    let state = active(connection, app, digest)?.filter(|state| accepts(state, ticket));
    let Some(mut state) = state else { return Ok(false) };
    answer(&mut state, ticket, false);
    state.revoked = true;
    update(connection, app, &state)?;
    Ok(true)
}

fn reserve(
    connection: &Connection,
    app: AppNumber,
    digest: &StateDigest,
    code: &SecretDigest,
) -> Result<ReserveOutcome, SqliteError> {
    let Some(mut state) = active(connection, app, digest)? else { return Ok(ReserveOutcome::Unknown) };
    let known = codes(connection, app, digest)?;
    if let Some((_, fate)) = known.iter().find(|(known, _)| known == code) {
        return Ok(ReserveOutcome::Known(*fate));
    }
    let refused = known.iter().filter(|(_, fate)| *fate != CodeFate::Used).count();
    if refused >= IssuedState::MOST_REFUSED_CODES || known.len() >= IssuedState::MOST_CODES {
        state.revoked = true;
        update(connection, app, &state)?;
        return Ok(ReserveOutcome::Exhausted);
    }
    store_code(connection, app, digest, code, CodeFate::Sent)?;
    Ok(ReserveOutcome::Reserved)
}

#[async_trait]
impl StateStore for SqliteStateStore {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        self.database.write(PORT, move |connection, app| put(connection, app, &state)).await
    }

    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        let (organization, digest) = (organization.clone(), *digest);
        self.database
            .read(PORT, move |connection, app| {
                let state = active(connection, app, &digest)?;
                Ok(state.filter(|state| state.organization == organization))
            })
            .await
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        let digest = *digest;
        self.database.read(PORT, move |connection, app| find(connection, app, &digest)).await
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        let digest = *digest;
        self.database
            .write(PORT, move |connection, app| save_pending(connection, app, &digest, pending))
            .await
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        let digest = *digest;
        self.database
            .write(PORT, move |connection, app| confirm(connection, app, &digest, ticket, claim))
            .await
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> Result<bool, PortError> {
        let digest = *digest;
        self.database.write(PORT, move |connection, app| revoke(connection, app, &digest, ticket)).await
    }

    async fn reserve_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
    ) -> Result<ReserveOutcome, PortError> {
        let (digest, code) = (*digest, *code);
        self.database.write(PORT, move |connection, app| reserve(connection, app, &digest, &code)).await
    }

    async fn settle_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
        fate: CodeFate,
    ) -> Result<(), PortError> {
        let (digest, code) = (*digest, *code);
        self.database
            .write(PORT, move |connection, app| rows::settle_code(connection, app, &digest, &code, fate))
            .await
    }
}
