//! Pending confirmations, the tickets that confirm them, and the claims that they become.

use dockline::ports::{ConfirmOutcome, StateStore};
use dockline::{
    AccountId, ClaimMembership, InstallationId, IssuedState, PendingConfirmation, Proof, SetupAction,
    VerifiedClaim,
};

use super::{claim, claimed, digest, issued, pending, stored, ticket};
use crate::fixtures::account_id;
use crate::runner::cases;

/// Confirms the claim to an installation, with a ticket or without.
async fn confirm(states: &dyn StateStore, ticket_name: Option<&str>, installation: u64) -> ConfirmOutcome {
    let shown = ticket_name.map(ticket);
    states.confirm_claim(&digest(), shown.as_ref(), claim(installation)).await.unwrap()
}

/// Puts [`issued`] with a pending confirmation.
async fn put_pending(states: &dyn StateStore, ticket_name: &str) {
    states.put(issued()).await.unwrap();
    assert!(states.save_pending(&digest(), pending(ticket_name)).await.unwrap());
}

cases!(
    use __state_store_confirm as list;

    /// A pending confirmation is stored and changes nothing else.
    pub async fn pending_confirmation_is_stored_with_the_state(states: &dyn StateStore) {
        put_pending(states, "ticket").await;
        assert_eq!(stored(states).await, Some(IssuedState { pending: Some(pending("ticket")), ..issued() }));
    }

    /// Every field of a pending confirmation keeps every value (L-08, L-62, L-63).
    pub async fn every_field_of_a_pending_confirmation_round_trips(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        let proofs = [Proof::State, Proof::Visible, Proof::Administered, Proof::Installed];
        let actions = [SetupAction::Install, SetupAction::Update, SetupAction::Request];
        let memberships = ClaimMembership::ALL.iter().copied();
        let proofs = proofs.into_iter().cycle().zip(actions.into_iter().cycle());
        for ((proof, setup_action), membership) in proofs.zip(memberships) {
            let account = account_id(AccountId::MAX);
            let large = VerifiedClaim { proof, account, membership, ..claim(InstallationId::MAX) };
            let pending = PendingConfirmation { setup_action, claim: large, ..pending(proof.as_str()) };
            assert!(states.save_pending(&digest(), pending).await.unwrap());
            assert_eq!(stored(states).await.unwrap().pending, Some(pending));
        }
    }

    /// A state with a claim takes another pending confirmation and keeps its claim (L-18).
    pub async fn pending_confirmation_keeps_the_claim(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        confirm(states, None, 1).await;
        assert!(states.save_pending(&digest(), pending("ticket")).await.unwrap());
        let both = IssuedState { pending: Some(pending("ticket")), ..claimed() };
        assert_eq!(stored(states).await, Some(both));
    }

    /// A later pending confirmation replaces the earlier one.
    pub async fn later_pending_confirmation_replaces_the_earlier(states: &dyn StateStore) {
        put_pending(states, "first").await;
        assert!(states.save_pending(&digest(), pending("second")).await.unwrap());
        assert_eq!(stored(states).await.unwrap().pending, Some(pending("second")));
    }

    /// `save_pending` returns `false` for an unknown state and creates none (L-15).
    pub async fn unknown_state_takes_no_pending_confirmation(states: &dyn StateStore) {
        assert!(!states.save_pending(&digest(), pending("ticket")).await.unwrap());
        assert_eq!(stored(states).await, None);
    }

    /// `save_pending` returns `false` for a revoked state.
    pub async fn revoked_state_takes_no_pending_confirmation(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.revoke(&digest(), None).await.unwrap();
        assert!(!states.save_pending(&digest(), pending("ticket")).await.unwrap());
        assert_eq!(stored(states).await, None);
    }

    /// A confirmed claim is stored, and the pending confirmation is removed in the same step.
    pub async fn confirmation_stores_the_claim_and_removes_the_pending_one(states: &dyn StateStore) {
        put_pending(states, "ticket").await;
        assert_eq!(confirm(states, None, 1).await, ConfirmOutcome::Tied);
        assert_eq!(stored(states).await, Some(claimed()));
    }

    /// A second claim to the same installation changes nothing, not even the proof.
    pub async fn first_claim_to_an_installation_stays(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        confirm(states, None, 1).await;
        let later = VerifiedClaim { proof: Proof::Visible, ..claim(1) };
        assert_eq!(states.confirm_claim(&digest(), None, later).await.unwrap(), ConfirmOutcome::AlreadyTied);
        assert_eq!(stored(states).await.unwrap().claim, Some(claim(1)));
    }

    /// A claim to another installation changes nothing, with a valid ticket or without (L-11, L-18).
    pub async fn claim_to_another_installation_changes_nothing(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        confirm(states, None, 1).await;
        states.save_pending(&digest(), pending("ticket")).await.unwrap();
        let before = stored(states).await;
        for shown in [None, Some("ticket")] {
            assert_eq!(confirm(states, shown, 2).await, ConfirmOutcome::TiedToOther);
            assert_eq!(stored(states).await, before);
        }
    }

    /// `confirm_claim` for an unknown state creates none (L-15).
    pub async fn unknown_state_takes_no_claim(states: &dyn StateStore) {
        assert_eq!(confirm(states, None, 1).await, ConfirmOutcome::Unknown);
        assert_eq!(stored(states).await, None);
    }

    /// A revoked state takes no claim, with its former ticket or without.
    pub async fn revoked_state_takes_no_claim(states: &dyn StateStore) {
        put_pending(states, "ticket").await;
        states.revoke(&digest(), None).await.unwrap();
        for shown in [None, Some("ticket")] {
            assert_eq!(confirm(states, shown, 1).await, ConfirmOutcome::Unknown);
        }
    }

    /// The ticket of the pending confirmation confirms the claim (L-67).
    pub async fn ticket_of_the_pending_confirmation_confirms(states: &dyn StateStore) {
        put_pending(states, "ticket").await;
        assert_eq!(confirm(states, Some("ticket"), 1).await, ConfirmOutcome::Tied);
        assert_eq!(stored(states).await, Some(claimed()));
    }

    /// A wrong ticket changes nothing, and the right one still works (L-19).
    pub async fn wrong_ticket_confirms_nothing(states: &dyn StateStore) {
        put_pending(states, "right").await;
        assert_eq!(confirm(states, Some("wrong"), 1).await, ConfirmOutcome::Unknown);
        assert_eq!(stored(states).await, Some(IssuedState { pending: Some(pending("right")), ..issued() }));
        assert_eq!(confirm(states, Some("right"), 1).await, ConfirmOutcome::Tied);
    }

    /// A ticket changes nothing if no confirmation is pending (L-16).
    pub async fn ticket_without_pending_confirmation_confirms_nothing(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        assert_eq!(confirm(states, Some("ticket"), 1).await, ConfirmOutcome::Unknown);
        assert_eq!(stored(states).await, Some(issued()));
    }

    /// A ticket works once, also if its confirmation finds the same claim stored already (L-17).
    pub async fn ticket_works_once(states: &dyn StateStore) {
        put_pending(states, "ticket").await;
        assert_eq!(confirm(states, Some("ticket"), 1).await, ConfirmOutcome::Tied);
        for installation in [1, 2] {
            assert_eq!(confirm(states, Some("ticket"), installation).await, ConfirmOutcome::Unknown);
        }
        states.save_pending(&digest(), pending("next")).await.unwrap();
        assert_eq!(confirm(states, Some("next"), 1).await, ConfirmOutcome::AlreadyTied);
        assert_eq!(confirm(states, Some("next"), 1).await, ConfirmOutcome::Unknown);
    }

    /// The ticket of a replaced pending confirmation is void.
    pub async fn ticket_of_a_replaced_confirmation_confirms_nothing(states: &dyn StateStore) {
        put_pending(states, "first").await;
        states.save_pending(&digest(), pending("second")).await.unwrap();
        assert_eq!(confirm(states, Some("first"), 1).await, ConfirmOutcome::Unknown);
        assert_eq!(stored(states).await.unwrap().claim, None);
    }
);
