//! A revoked state takes nothing more, and is revoked only by the owner of a ticket.

use dockline::IssuedState;
use dockline::ports::{PutOutcome, StateStore};

use super::{
    answered, asked, claim, claimed, digest, issued, organization, pending, revoked, stored, ticket,
};
use crate::runner::cases;

cases!(
    use __state_store_revoke as list;

    /// A revoked state is not found by its organization, and is marked if it is found by its digest.
    pub async fn revoked_state_is_marked_and_not_found_by_its_organization(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        assert!(states.revoke(&digest(), None).await.unwrap());
        assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), None);
        assert_eq!(states.find_by_digest(&digest()).await.unwrap(), Some(revoked()));
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
        assert_eq!(stored(states).await, Some(IssuedState { revoked: true, ..claimed() }));
        assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::InUse);
    }

    /// The ticket of a pending confirmation revokes the state and makes that confirmation the answered one (L-76).
    pub async fn ticket_of_a_pending_confirmation_revokes(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        for name in ["first", "second"] {
            states.save_pending(&digest(), pending(name)).await.unwrap();
        }
        assert!(states.revoke(&digest(), Some(ticket("first"))).await.unwrap());
        let after = IssuedState { answered: answered("first", false), revoked: true, ..asked("second") };
        assert_eq!(stored(states).await, Some(after));
        assert!(!states.revoke(&digest(), Some(ticket("second"))).await.unwrap());
    }

    /// A wrong ticket revokes nothing (L-19).
    pub async fn wrong_ticket_revokes_nothing(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.save_pending(&digest(), pending("right")).await.unwrap();
        assert!(!states.revoke(&digest(), Some(ticket("wrong"))).await.unwrap());
        assert_eq!(stored(states).await, Some(asked("right")));
    }

    /// A ticket revokes nothing if no confirmation is pending (L-16).
    pub async fn ticket_without_pending_confirmation_revokes_nothing(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        assert!(!states.revoke(&digest(), Some(ticket("ticket"))).await.unwrap());
        assert_eq!(stored(states).await, Some(issued()));
    }
);
