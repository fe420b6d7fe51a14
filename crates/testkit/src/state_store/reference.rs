//! A plain state store that the random sequences compare with.

use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome};
use dockline::{
    AnsweredConfirmation, CodeFate, IssuedState, PendingConfirmation, SecretDigest, StateDigest,
    VerifiedClaim,
};

/// A state and its codes.
type Row = (IssuedState, Vec<(SecretDigest, CodeFate)>);

/// Every state that was put, the current one of each digest last.
#[derive(Default)]
pub(super) struct Reference(Vec<Row>);

impl Reference {
    fn row(&mut self, digest: &StateDigest) -> Option<&mut Row> {
        self.0.iter_mut().rfind(|(state, _)| state.digest == *digest)
    }

    pub(super) fn find(&self, digest: &StateDigest) -> Option<&IssuedState> {
        self.0.iter().rfind(|(state, _)| state.digest == *digest).map(|(state, _)| state)
    }

    pub(super) fn put(&mut self, state: IssuedState) -> PutOutcome {
        let mut kept = Vec::new();
        if let Some((before, codes)) = self.row(&state.digest)
            && before.expires_at > state.issued_at
        {
            let unused = IssuedState {
                organization_name: before.organization_name.clone(),
                actor: before.actor.clone(),
                return_url: before.return_url.clone(),
                issued_at: before.issued_at,
                expires_at: before.expires_at,
                ..state.clone()
            };
            if *before != unused {
                return PutOutcome::InUse;
            }
            kept = codes.clone();
        }
        self.0.push((state, kept));
        PutOutcome::Stored
    }

    /// The row, if it is not revoked and the shown ticket, if any, is that of a pending confirmation.
    fn open(&mut self, digest: &StateDigest, shown: Option<SecretDigest>) -> Option<&mut Row> {
        let row = self.row(digest)?;
        let has_ticket = |ticket: SecretDigest| row.0.pending.iter().any(|pending| pending.ticket == ticket);
        (!row.0.revoked && shown.is_none_or(has_ticket)).then_some(row)
    }

    pub(super) fn save_pending(&mut self, digest: &StateDigest, pending: PendingConfirmation) -> bool {
        let Some((state, _)) = self.open(digest, None) else { return false };
        state.pending.push(pending);
        let surplus = state.pending.len().saturating_sub(4);
        state.pending.drain(..surplus);
        true
    }

    pub(super) fn confirm_claim(
        &mut self,
        digest: &StateDigest,
        shown: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        let Some((state, _)) = self.open(digest, shown) else { return ConfirmOutcome::Unknown };
        let outcome = match state.claim {
            Some(first) if first.installation != claim.installation => return ConfirmOutcome::TiedToOther,
            Some(_) => ConfirmOutcome::AlreadyTied,
            None => ConfirmOutcome::Tied,
        };
        state.claim = state.claim.or(Some(claim));
        answer(state, shown, true);
        outcome
    }

    pub(super) fn revoke(&mut self, digest: &StateDigest, shown: Option<SecretDigest>) -> bool {
        let Some((state, _)) = self.open(digest, shown) else { return false };
        answer(state, shown, false);
        state.revoked = true;
        true
    }

    pub(super) fn reserve_code(&mut self, digest: &StateDigest, code: &SecretDigest) -> ReserveOutcome {
        let Some((state, codes)) = self.open(digest, None) else { return ReserveOutcome::Unknown };
        if let Some((_, fate)) = codes.iter().find(|(known, _)| known == code) {
            return ReserveOutcome::Known(*fate);
        }
        if codes.iter().filter(|(_, fate)| *fate != CodeFate::Used).count() >= 5 {
            state.revoked = true;
            return ReserveOutcome::Exhausted;
        }
        codes.push((*code, CodeFate::Sent));
        ReserveOutcome::Reserved
    }

    pub(super) fn settle_code(&mut self, digest: &StateDigest, code: &SecretDigest, fate: CodeFate) {
        let Some((_, codes)) = self.row(digest) else { return };
        if let Some((_, stored)) = codes.iter_mut().find(|(known, _)| known == code) {
            *stored = fate;
        }
    }
}

fn answer(state: &mut IssuedState, shown: Option<SecretDigest>, confirmed: bool) {
    let index = state.pending.iter().position(|pending| Some(pending.ticket) == shown);
    if let Some(index) = index {
        state.answered = Some(AnsweredConfirmation { question: state.pending.remove(index), confirmed });
    }
}
