//! A revoked state is unknown, and is revoked only by the owner of its ticket.

use dockline::IssuedState;
use dockline::ports::{PutOutcome, StateStore};

use super::{claim, digest, issued, organization, pending, stored, ticket};
use crate::runner::cases;

cases!(
    use __state_store_revoke as list;

    /// A revoked state is not found by its organization or by its digest.
    pub async fn revoked_state_is_not_found(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        assert!(states.revoke(&digest(), None).await.unwrap());
        assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), None);
        assert_eq!(states.find_by_digest(&digest()).await.unwrap(), None);
    }

    /// The second `revoke` returns `false`.
    pub async fn state_is_revoked_once(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        assert!(states.revoke(&digest(), None).await.unwrap());
        assert!(!states.revoke(&digest(), None).await.unwrap());
    }

    /// `revoke` returns `false` for an unknown state.
    pub async fn unknown_state_is_not_revoked(states: &dyn StateStore) {
        assert!(!states.revoke(&digest(), None).await.unwrap());
    }

    /// A state with a claim can be revoked, and its digest stays in use.
    pub async fn state_with_claim_can_be_revoked(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.confirm_claim(&digest(), None, claim(1)).await.unwrap();
        assert!(states.revoke(&digest(), None).await.unwrap());
        assert_eq!(stored(states).await, None);
        assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::InUse);
    }

    /// The ticket of the pending confirmation revokes the state.
    pub async fn ticket_of_the_pending_confirmation_revokes(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.save_pending(&digest(), pending("ticket")).await.unwrap();
        assert!(states.revoke(&digest(), Some(&ticket("ticket"))).await.unwrap());
        assert_eq!(stored(states).await, None);
    }

    /// A wrong ticket revokes nothing (L-19).
    pub async fn wrong_ticket_revokes_nothing(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.save_pending(&digest(), pending("right")).await.unwrap();
        assert!(!states.revoke(&digest(), Some(&ticket("wrong"))).await.unwrap());
        assert_eq!(stored(states).await, Some(IssuedState { pending: Some(pending("right")), ..issued() }));
    }

    /// A ticket revokes nothing if no confirmation is pending (L-16).
    pub async fn ticket_without_pending_confirmation_revokes_nothing(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        assert!(!states.revoke(&digest(), Some(&ticket("ticket"))).await.unwrap());
        assert_eq!(stored(states).await, Some(issued()));
    }
);
