//! The cases of [`StateStore`]. [`state_store_suite!`](crate::state_store_suite) runs them.

#[doc(no_inline)]
pub use dockline::ports::StateStore;
use dockline::{
    AnsweredConfirmation, IssuedState, PendingConfirmation, SecretDigest, SetupAction, StateDigest,
};
use time::OffsetDateTime;

use crate::runner::suite;

pub mod codes;
pub mod confirm;
pub mod dropped;
pub mod expiry;
pub mod put;
pub mod races;
mod reference;
pub mod revoke;
pub mod sequences;

pub(crate) use crate::fixtures::{NOON, claim, digest as ticket, organization};

suite! {
    /// Makes one `#[test]` per case of [`StateStore`](crate::dockline::ports::StateStore) in a module `state_store`.
    state_store_suite, state_store, StateStore: put, expiry, confirm, revoke, codes, dropped, sequences, races
}

pub(crate) fn digest() -> StateDigest {
    ticket("lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK")
}

/// The state of [`digest`], issued to `org_acme` at noon.
pub(crate) fn issued() -> IssuedState {
    issued_at(NOON)
}

pub(crate) fn issued_at(issued_at: OffsetDateTime) -> IssuedState {
    crate::fixtures::state_of("org_acme", digest(), issued_at)
}

/// A state with another digest. Putting it tells the store the current time.
pub(crate) fn another_at(time: OffsetDateTime) -> IssuedState {
    IssuedState { digest: ticket(&time.to_string()), ..issued_at(time) }
}

pub(crate) fn pending(ticket_name: &str) -> PendingConfirmation {
    PendingConfirmation {
        ticket: ticket(ticket_name),
        browser: SecretDigest::of(b"cookie"),
        claim: claim(1),
        setup_action: SetupAction::Install,
    }
}

pub(crate) async fn stored(states: &dyn StateStore) -> Option<IssuedState> {
    states.find_by_digest(&digest()).await.unwrap()
}

/// [`issued`] with a pending confirmation.
pub(crate) fn asked(ticket_name: &str) -> IssuedState {
    IssuedState { pending: vec![pending(ticket_name)], ..issued() }
}

pub(crate) fn answered(ticket_name: &str, confirmed: bool) -> Option<AnsweredConfirmation> {
    Some(AnsweredConfirmation { question: pending(ticket_name), confirmed })
}

/// [`issued`] with the claim to installation 1.
pub(crate) fn claimed() -> IssuedState {
    IssuedState { claim: Some(claim(1)), ..issued() }
}

/// [`issued`] after a revocation.
pub(crate) fn revoked() -> IssuedState {
    IssuedState { revoked: true, ..issued() }
}
