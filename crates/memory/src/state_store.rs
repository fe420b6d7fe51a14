use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use async_trait::async_trait;
use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{
    AnsweredConfirmation, CodeFate, IssuedState, OrganizationId, PendingConfirmation, PortError,
    SecretDigest, StateDigest, VerifiedClaim,
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
    codes: BTreeMap<SecretDigest, CodeFate>,
}

impl MemoryStateStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Deletes states. Returns their number.
    pub(crate) fn remove(&self, is_wanted: impl Fn(&IssuedState) -> bool) -> u64 {
        let mut states = self.0.lock();
        let States { rows, by_expiry } = &mut *states;
        let before = rows.len();
        rows.retain(|digest, row| {
            let is_kept = !is_wanted(&row.state);
            if !is_kept {
                by_expiry.remove(&(row.state.expires_at, *digest));
            }
            is_kept
        });
        (before - rows.len()) as u64
    }
}

impl Row {
    fn is_unused(&self) -> bool {
        let IssuedState { pending, answered, claim, revoked, .. } = &self.state;
        pending.is_empty() && answered.is_none() && claim.is_none() && !revoked
    }

    /// Returns whether `ticket` is that of a pending confirmation, or none was given.
    fn accepts(&self, ticket: Option<SecretDigest>) -> bool {
        ticket.is_none_or(|shown| self.state.pending.iter().any(|pending| pending.ticket.matches(&shown)))
    }

    /// Makes the pending confirmation of the ticket the answered one.
    fn answer(&mut self, ticket: Option<SecretDigest>, confirmed: bool) {
        let Some(ticket) = ticket else { return };
        let pending = &mut self.state.pending;
        let Some(index) = pending.iter().position(|pending| pending.ticket.matches(&ticket)) else { return };
        self.state.answered = Some(AnsweredConfirmation { question: pending.remove(index), confirmed });
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
        let mut codes = BTreeMap::new();
        if let Some(row) = self.rows.get_mut(&state.digest) {
            if row.state.is_live(state.issued_at) {
                if !row.is_unused() || row.state.organization != state.organization {
                    return PutOutcome::InUse;
                }
                codes = std::mem::take(&mut row.codes);
            }
            self.by_expiry.remove(&(row.state.expires_at, state.digest));
        }
        self.by_expiry.insert((state.expires_at, state.digest));
        self.rows.insert(state.digest, Row { state, codes });
        PutOutcome::Stored
    }

    fn found(&self, digest: &StateDigest) -> Option<&IssuedState> {
        self.rows.get(digest).map(|row| &row.state)
    }

    fn active_mut(&mut self, digest: &StateDigest) -> Option<&mut Row> {
        self.rows.get_mut(digest).filter(|row| !row.state.revoked)
    }

    fn save_pending(&mut self, digest: &StateDigest, pending: PendingConfirmation) -> bool {
        self.active_mut(digest).is_some_and(|row| {
            if row.state.pending.len() == IssuedState::MOST_PENDING {
                row.state.pending.remove(0);
            }
            row.state.pending.push(pending);
            true
        })
    }

    fn confirm_claim(
        &mut self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        // Another ticket changes nothing, so that the visitors of the pending confirmations can still answer.
        let Some(row) = self.active_mut(digest).filter(|row| row.accepts(ticket)) else {
            return ConfirmOutcome::Unknown;
        };
        let outcome = match row.state.claim {
            None => ConfirmOutcome::Tied,
            Some(first) if first.installation == claim.installation => ConfirmOutcome::AlreadyTied,
            Some(_) => return ConfirmOutcome::TiedToOther,
        };
        row.state.claim.get_or_insert(claim);
        row.answer(ticket, true);
        outcome
    }

    fn revoke(&mut self, digest: &StateDigest, ticket: Option<SecretDigest>) -> bool {
        self.active_mut(digest).filter(|row| row.accepts(ticket)).is_some_and(|row| {
            row.answer(ticket, false);
            row.state.revoked = true;
            true
        })
    }

    fn reserve_code(&mut self, digest: &StateDigest, code: &SecretDigest) -> ReserveOutcome {
        let Some(row) = self.active_mut(digest) else { return ReserveOutcome::Unknown };
        if let Some(fate) = row.codes.get(code) {
            return ReserveOutcome::Known(*fate);
        }
        let refused = row.codes.values().filter(|fate| **fate != CodeFate::Used).count();
        if refused >= IssuedState::MOST_REFUSED_CODES || row.codes.len() >= IssuedState::MOST_CODES {
            row.state.revoked = true;
            return ReserveOutcome::Exhausted;
        }
        row.codes.insert(*code, CodeFate::Sent);
        ReserveOutcome::Reserved
    }

    fn settle_code(&mut self, digest: &StateDigest, code: &SecretDigest, fate: CodeFate) {
        if let Some(stored) = self.rows.get_mut(digest).and_then(|row| row.codes.get_mut(code)) {
            *stored = fate;
        }
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
        let own = |state: &&IssuedState| state.organization == *organization && !state.revoked;
        Ok(states.found(digest).filter(own).cloned())
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        Ok(self.0.lock().found(digest).cloned())
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        Ok(self.0.lock().save_pending(digest, pending))
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        Ok(self.0.lock().confirm_claim(digest, ticket, claim))
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> Result<bool, PortError> {
        Ok(self.0.lock().revoke(digest, ticket))
    }

    async fn reserve_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
    ) -> Result<ReserveOutcome, PortError> {
        Ok(self.0.lock().reserve_code(digest, code))
    }

    async fn settle_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
        fate: CodeFate,
    ) -> Result<(), PortError> {
        self.0.lock().settle_code(digest, code, fate);
        Ok(())
    }
}
