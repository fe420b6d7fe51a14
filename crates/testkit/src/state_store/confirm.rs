//! Pending confirmations, the tickets that confirm them, and the claims that they become.

use dockline::ports::{ConfirmOutcome, StateStore};
use dockline::{
    AccountId, ClaimMembership, InstallationId, IssuedState, PendingConfirmation, Proof, SetupAction,
    VerifiedClaim,
};

use super::{answered, asked, claim, claimed, digest, issued, pending, revoked, stored, ticket};
use crate::fixtures::account_id;
use crate::runner::cases;

/// Confirms the claim to an installation, with a ticket or without.
async fn confirm(states: &dyn StateStore, ticket_name: Option<&str>, installation: u64) -> ConfirmOutcome {
    let shown = ticket_name.map(ticket);
    states.confirm_claim(&digest(), shown, claim(installation)).await.unwrap()
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
        assert_eq!(stored(states).await, Some(asked("ticket")));
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
            assert_eq!(stored(states).await.unwrap().pending.last(), Some(&pending));
        }
    }

    /// A state with a claim takes another pending confirmation and keeps its claim (L-18).
    pub async fn pending_confirmation_keeps_the_claim(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        confirm(states, None, 1).await;
        assert!(states.save_pending(&digest(), pending("ticket")).await.unwrap());
        let both = IssuedState { pending: vec![pending("ticket")], ..claimed() };
        assert_eq!(stored(states).await, Some(both));
    }

    /// Four confirmations are pending at once, as in four tabs. A fifth one replaces the oldest (L-77).
    pub async fn fifth_pending_confirmation_replaces_the_oldest(states: &dyn StateStore) {
        put_pending(states, "first").await;
        let names = ["second", "third", "fourth", "fifth", "sixth"];
        for name in names {
            assert!(states.save_pending(&digest(), pending(name)).await.unwrap());
        }
        assert_eq!(stored(states).await.unwrap().pending, ["third", "fourth", "fifth", "sixth"].map(pending));
        assert_eq!(confirm(states, Some("second"), 1).await, ConfirmOutcome::Unknown);
        assert_eq!(confirm(states, Some("fourth"), 1).await, ConfirmOutcome::Tied);
        let state = stored(states).await.unwrap();
        assert_eq!(state.pending, ["third", "fifth", "sixth"].map(pending));
        assert_eq!(state.answered, answered("fourth", true));
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
        assert_eq!(stored(states).await, Some(revoked()));
    }

    /// A claim without a ticket is stored, and pending confirmations stay.
    pub async fn claim_without_a_ticket_keeps_pending_confirmations(states: &dyn StateStore) {
        put_pending(states, "ticket").await;
        assert_eq!(confirm(states, None, 1).await, ConfirmOutcome::Tied);
        assert_eq!(stored(states).await, Some(IssuedState { claim: Some(claim(1)), ..asked("ticket") }));
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

    /// The ticket of a pending confirmation confirms the claim. That confirmation is the answered one then (L-67, L-76).
    pub async fn ticket_of_a_pending_confirmation_confirms(states: &dyn StateStore) {
        put_pending(states, "ticket").await;
        assert_eq!(confirm(states, Some("ticket"), 1).await, ConfirmOutcome::Tied);
        let after = IssuedState { answered: answered("ticket", true), ..claimed() };
        assert_eq!(stored(states).await, Some(after));
    }

    /// A wrong ticket changes nothing, and the right one still works (L-19).
    pub async fn wrong_ticket_confirms_nothing(states: &dyn StateStore) {
        put_pending(states, "right").await;
        assert_eq!(confirm(states, Some("wrong"), 1).await, ConfirmOutcome::Unknown);
        assert_eq!(stored(states).await, Some(asked("right")));
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
        assert_eq!(stored(states).await.unwrap().answered, answered("next", true));
        assert_eq!(confirm(states, Some("next"), 1).await, ConfirmOutcome::Unknown);
    }
);
