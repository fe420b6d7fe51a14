//! A state is stored, found by its organization and by its digest, and not replaced while it is in use.

use dockline::ports::{PutOutcome, ReserveOutcome, StateStore};
use dockline::{CodeFate, IssuedState};
use time::Duration;

use super::{
    NOON, answered, asked, claim, claimed, digest, issued, issued_at, organization, pending, revoked, stored,
    ticket,
};
use crate::fixtures::{CANARY, assert_hidden, digests_that_differ_in_case, state_of};
use crate::runner::cases;

cases!(
    use __state_store_put as list;

    /// A stored state is found by its organization and by its digest alone.
    pub async fn stored_state_is_found_both_ways(states: &dyn StateStore) {
        assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::Stored);
        assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), Some(issued()));
        assert_eq!(states.find_by_digest(&digest()).await.unwrap(), Some(issued()));
    }

    /// Every field comes back byte by byte, long texts and special characters included (I28).
    pub async fn every_field_of_a_state_round_trips(states: &dyn StateStore) {
        let state = IssuedState {
            organization: organization(&"x".repeat(128)),
            organization_name: "Übel & Söhne'; -- \\ \"99 %\" 日本 🐘".parse().unwrap(),
            return_url: format!("https://app.acme.example/done?a=%2F&b={}#", "y".repeat(1_000)),
            expires_at: NOON + Duration::MICROSECOND,
            pending: ["first", "second", "third", "fourth"].map(pending).into(),
            answered: answered("earlier", true),
            claim: Some(claim(2)),
            ..issued()
        };
        assert_eq!(states.put(state.clone()).await.unwrap(), PutOutcome::Stored);
        assert_eq!(states.find(&state.organization, &digest()).await.unwrap(), Some(state.clone()));
        assert_eq!(stored(states).await, Some(state));
    }

    /// An unknown digest is `None` (L-15).
    pub async fn unknown_digest_is_none(states: &dyn StateStore) {
        assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), None);
        assert_eq!(states.find_by_digest(&digest()).await.unwrap(), None);
    }

    /// `find` returns a state only to the organization that it was issued to (I3, L-21).
    pub async fn state_of_another_organization_is_none(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        assert_eq!(states.find(&organization("org_other"), &digest()).await.unwrap(), None);
    }

    /// Putting an unused state again replaces it, so that the call can be repeated.
    pub async fn repeated_put_replaces_an_unused_state(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        let again = issued_at(NOON + Duration::minutes(1));
        assert_eq!(states.put(again.clone()).await.unwrap(), PutOutcome::Stored);
        assert_eq!(stored(states).await, Some(again));
    }

    /// A live state of another organization is in use (I3).
    pub async fn live_state_of_another_organization_is_in_use(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        let other = IssuedState { organization: organization("org_other"), ..issued() };
        assert_eq!(states.put(other).await.unwrap(), PutOutcome::InUse);
        assert_eq!(stored(states).await, Some(issued()));
    }

    /// A state with a pending confirmation is in use.
    pub async fn state_with_pending_confirmation_is_in_use(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.save_pending(&digest(), pending("ticket")).await.unwrap();
        assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::InUse);
        assert_eq!(stored(states).await, Some(asked("ticket")));
    }

    /// A state whose only confirmation was answered is in use.
    pub async fn state_with_an_answered_confirmation_is_in_use(states: &dyn StateStore) {
        let answered = IssuedState { answered: answered("ticket", false), ..issued() };
        states.put(answered.clone()).await.unwrap();
        assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::InUse);
        assert_eq!(stored(states).await, Some(answered));
    }

    /// A repeated put keeps the codes of the state, so that it does not renew their limit (I36). A put after the expiry
    /// starts without codes.
    pub async fn repeated_put_keeps_the_codes(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        assert_eq!(states.reserve_code(&digest(), &ticket("code")).await.unwrap(), ReserveOutcome::Reserved);
        let again = issued_at(NOON + Duration::minutes(1));
        assert_eq!(states.put(again.clone()).await.unwrap(), PutOutcome::Stored);
        let known = states.reserve_code(&digest(), &ticket("code")).await.unwrap();
        assert_eq!(known, ReserveOutcome::Known(CodeFate::Sent));
        assert_eq!(states.put(issued_at(again.expires_at)).await.unwrap(), PutOutcome::Stored);
        assert_eq!(states.reserve_code(&digest(), &ticket("code")).await.unwrap(), ReserveOutcome::Reserved);
    }

    /// A state with a claim is in use: a repeated put does not undo the claim (L-18).
    pub async fn state_with_claim_is_in_use(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.confirm_claim(&digest(), None, claim(1)).await.unwrap();
        assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::InUse);
        assert_eq!(stored(states).await, Some(claimed()));
    }

    /// A revoked state is in use, also for its own organization (I3, L-17).
    pub async fn revoked_state_is_in_use(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.revoke(&digest(), None).await.unwrap();
        assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::InUse);
        assert_eq!(stored(states).await, Some(revoked()));
    }

    /// Organizations that differ in the case of a letter are different, and so are digests whose Base64 does (I10).
    pub async fn case_of_letters_distinguishes(states: &dyn StateStore) {
        let [upper, lower] = digests_that_differ_in_case();
        for (name, digest) in [("org_acme", upper), ("ORG_ACME", lower)] {
            let state = state_of(name, digest, NOON);
            assert_eq!(states.put(state).await.unwrap(), PutOutcome::Stored, "{name}");
        }
        for (name, digest, found) in [
            ("org_acme", upper, true),
            ("ORG_ACME", upper, false),
            ("org_acme", lower, false),
            ("ORG_ACME", lower, true),
        ] {
            let state = states.find(&organization(name), &digest).await.unwrap();
            assert_eq!(state.is_some(), found, "the state of {name}");
        }
        assert!(states.revoke(&upper, None).await.unwrap());
        assert!(!states.find_by_digest(&lower).await.unwrap().unwrap().revoked, "another state was revoked");
    }

    /// `Debug` of the store shows nothing that is stored (I14).
    pub async fn debug_shows_nothing_stored(states: &dyn StateStore) {
        let return_url = format!("https://app.acme.example/{CANARY}");
        states.put(IssuedState { return_url, organization: organization(CANARY), ..issued() }).await.unwrap();
        assert!(stored(states).await.is_some());
        assert_hidden(states, CANARY);
    }
);
