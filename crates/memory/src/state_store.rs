use std::collections::{BTreeSet, HashMap};
use std::fmt;

use async_trait::async_trait;
use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use dockline::{
    IssuedState, OrganizationId, PendingConfirmation, PortError, SecretDigest, StateDigest, VerifiedClaim,
};
use time::{Duration, OffsetDateTime};

use crate::Shared;

/// Retention of expired states.
const RETENTION: Duration = Duration::DAY;

/// Stores issued states by digest. Each `put` deletes the states that expired more than a day before the new one was
/// issued.
#[derive(Clone, Default)]
pub struct MemoryStateStore(Shared<States>);

#[derive(Default)]
struct States {
    rows: HashMap<StateDigest, Row>,
    /// The same rows by expiry, so that a purge only visits rows that it deletes.
    by_expiry: BTreeSet<(OffsetDateTime, StateDigest)>,
}

struct Row {
    state: IssuedState,
    revoked: bool,
}

impl MemoryStateStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Row {
    fn is_replaced_by(&self, next: &IssuedState) -> bool {
        let repeated = self.state.organization == next.organization
            && self.state.pending.is_none()
            && self.state.claim.is_none()
            && !self.revoked;
        repeated || !self.state.is_live(next.issued_at)
    }

    /// Returns whether `ticket` is the one of the pending confirmation, or none was given.
    fn accepts(&self, ticket: Option<&SecretDigest>) -> bool {
        ticket.is_none_or(|shown| self.state.pending.is_some_and(|pending| pending.ticket.matches(shown)))
    }
}

impl States {
    fn purge(&mut self, now: OffsetDateTime) {
        while let Some(&(expires_at, digest)) = self.by_expiry.first() {
            if now - expires_at <= RETENTION {
                break;
            }
            self.by_expiry.pop_first();
            self.rows.remove(&digest);
        }
    }

    fn put(&mut self, state: IssuedState) -> PutOutcome {
        self.purge(state.issued_at);
        if let Some(row) = self.rows.get(&state.digest) {
            if !row.is_replaced_by(&state) {
                return PutOutcome::InUse;
            }
            self.by_expiry.remove(&(row.state.expires_at, state.digest));
        }
        self.by_expiry.insert((state.expires_at, state.digest));
        self.rows.insert(state.digest, Row { state, revoked: false });
        PutOutcome::Stored
    }

    fn active(&self, digest: &StateDigest) -> Option<&IssuedState> {
        self.rows.get(digest).filter(|row| !row.revoked).map(|row| &row.state)
    }

    fn active_mut(&mut self, digest: &StateDigest) -> Option<&mut Row> {
        self.rows.get_mut(digest).filter(|row| !row.revoked)
    }

    fn save_pending(&mut self, digest: &StateDigest, pending: PendingConfirmation) -> bool {
        self.active_mut(digest).is_some_and(|row| {
            row.state.pending = Some(pending);
            true
        })
    }

    fn confirm_claim(
        &mut self,
        digest: &StateDigest,
        ticket: Option<&SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        // Another ticket changes nothing, so that the visitor of the pending confirmation can still answer.
        let Some(row) = self.active_mut(digest).filter(|row| row.accepts(ticket)) else {
            return ConfirmOutcome::Unknown;
        };
        let outcome = match row.state.claim {
            None => ConfirmOutcome::Tied,
            Some(first) if first.installation == claim.installation => ConfirmOutcome::AlreadyTied,
            Some(_) => return ConfirmOutcome::TiedToOther,
        };
        row.state.claim.get_or_insert(claim);
        row.state.pending = None;
        outcome
    }

    fn revoke(&mut self, digest: &StateDigest, ticket: Option<&SecretDigest>) -> bool {
        self.active_mut(digest).filter(|row| row.accepts(ticket)).is_some_and(|row| {
            row.revoked = true;
            true
        })
    }
}

impl fmt::Debug for MemoryStateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStateStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl StateStore for MemoryStateStore {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        Ok(self.0.lock().put(state))
    }

    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        let states = self.0.lock();
        Ok(states.active(digest).filter(|state| state.organization == *organization).cloned())
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        Ok(self.0.lock().active(digest).cloned())
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        Ok(self.0.lock().save_pending(digest, pending))
    }

    async fn confirm_claim<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        Ok(self.0.lock().confirm_claim(digest, ticket, claim))
    }

    async fn revoke<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
    ) -> Result<bool, PortError> {
        Ok(self.0.lock().revoke(digest, ticket))
    }
}
