//! Putting a state, and finding it.

use dockline::IssuedState;
use dockline::ports::{PutOutcome, StateStore};
use time::Duration;

use super::{NOON, claim, digest, issued, issued_at, organization, pending, stored};

/// What was put comes back whole.
pub async fn a_stored_state_is_found_by_its_organization_and_by_its_digest(states: &dyn StateStore) {
    assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::Stored);
    assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), Some(issued()));
    assert_eq!(states.find_by_digest(&digest()).await.unwrap(), Some(issued()));
}

/// Long texts and odd characters, a lifetime of its own: the return URL is compared to the byte (I28).
pub async fn every_field_of_a_state_comes_back(states: &dyn StateStore) {
    let state = IssuedState {
        organization: organization(&"x".repeat(128)),
        organization_name: "Übel & Söhne'; -- \\ \"99 %\" 日本 🐘".parse().unwrap(),
        return_url: format!("https://app.acme.example/done?a=%2F&b={}#", "y".repeat(1_000)),
        expires_at: NOON + Duration::MICROSECOND,
        pending: Some(pending("ticket")),
        claim: Some(claim(2)),
        ..issued()
    };
    assert_eq!(states.put(state.clone()).await.unwrap(), PutOutcome::Stored);
    assert_eq!(states.find(&state.organization, &digest()).await.unwrap(), Some(state.clone()));
    assert_eq!(stored(states).await, Some(state));
}

/// No state, no binding (L-15).
pub async fn an_unknown_digest_is_found_by_nobody(states: &dyn StateStore) {
    assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), None);
    assert_eq!(states.find_by_digest(&digest()).await.unwrap(), None);
}

/// A state works only for the organization that it was issued to (I3, L-21).
pub async fn another_organizations_state_is_none(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert_eq!(states.find(&organization("org_other"), &digest()).await.unwrap(), None);
}

/// A repeated call is answered as the first one was.
pub async fn a_repeated_put_replaces_a_state_that_nobody_touched(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    let again = issued_at(NOON + Duration::minutes(1));
    assert_eq!(states.put(again.clone()).await.unwrap(), PutOutcome::Stored);
    assert_eq!(stored(states).await, Some(again));
}

/// Nobody takes over another's live state (I3).
pub async fn a_live_digest_of_another_organization_is_in_use(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    let other = IssuedState { organization: organization("org_other"), ..issued() };
    assert_eq!(states.put(other).await.unwrap(), PutOutcome::InUse);
    assert_eq!(stored(states).await, Some(issued()));
}

/// A state under which a visitor was asked is not reset.
pub async fn a_visited_state_is_in_use(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), pending("ticket")).await.unwrap();
    assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::InUse);
    assert_eq!(stored(states).await, Some(IssuedState { pending: Some(pending("ticket")), ..issued() }));
}

/// A tie is not undone by a repeated put (L-18).
pub async fn a_tied_state_is_in_use(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.confirm_claim(&digest(), None, claim(1)).await.unwrap();
    assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::InUse);
    assert_eq!(stored(states).await, Some(IssuedState { claim: Some(claim(1)), ..issued() }));
}

/// What was used up is not put back (I3, L-17).
pub async fn a_discarded_state_is_in_use_also_for_its_own_organization(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.revoke(&digest(), None).await.unwrap();
    assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::InUse);
    assert_eq!(stored(states).await, None);
}
