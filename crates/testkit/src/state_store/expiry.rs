//! Expired states are found, can still be changed, and are replaced by the next put.

use dockline::IssuedState;
use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use time::{Duration, OffsetDateTime};

use super::{
    NOON, another_at, answered, claim, claimed, digest, issued, issued_at, organization, pending, stored,
    ticket,
};
use crate::fixtures::{in_the_east, in_the_west};
use crate::runner::cases;

fn expiry() -> OffsetDateTime {
    issued().expires_at
}

cases!(
    use __state_store_expiry as list;

    /// An expired state is found: the core judges expiry by its own clock (I27).
    pub async fn expired_state_is_found(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.put(another_at(expiry() + Duration::HOUR)).await.unwrap();
        assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), Some(issued()));
        assert_eq!(stored(states).await, Some(issued()));
    }

    /// An expired state can be changed: only the core judges expiry (I27).
    pub async fn expired_state_can_be_changed(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.put(another_at(expiry() + Duration::HOUR)).await.unwrap();
        assert!(states.save_pending(&digest(), pending("ticket")).await.unwrap());
        let shown = ticket("ticket");
        let confirmed = states.confirm_claim(&digest(), Some(shown), claim(1)).await.unwrap();
        assert_eq!(confirmed, ConfirmOutcome::Tied);
        let after = IssuedState { answered: answered("ticket", true), ..claimed() };
        assert_eq!(stored(states).await, Some(after.clone()));
        assert!(states.revoke(&digest(), None).await.unwrap());
        assert_eq!(stored(states).await, Some(IssuedState { revoked: true, ..after }));
    }

    /// At its expiry a state is replaced for any organization, whether unused, pending, claimed or revoked. The new one
    /// starts without a claim.
    pub async fn expired_state_is_replaced(states: &dyn StateStore) {
        let mut now = NOON;
        for (was, owner) in ["unused", "pending", "claimed", "revoked"].into_iter().zip(["a", "b", "c", "d"])
        {
            let state = IssuedState { organization: organization(owner), ..issued_at(now) };
            assert_eq!(states.put(state.clone()).await.unwrap(), PutOutcome::Stored, "before {was}");
            assert_eq!(stored(states).await, Some(state));
            match was {
                "pending" => assert!(states.save_pending(&digest(), pending("ticket")).await.unwrap()),
                "claimed" => {
                    let confirmed = states.confirm_claim(&digest(), None, claim(1)).await.unwrap();
                    assert_eq!(confirmed, ConfirmOutcome::Tied);
                }
                "revoked" => assert!(states.revoke(&digest(), None).await.unwrap()),
                _ => {}
            }
            now += IssuedState::LIFETIME; // the expiry itself: expired
        }
        assert_eq!(states.put(issued_at(now)).await.unwrap(), PutOutcome::Stored, "after revoked");
        assert_eq!(stored(states).await, Some(issued_at(now)));
    }

    /// A state is in use until a microsecond before its expiry, and not at its expiry.
    pub async fn state_is_in_use_until_it_expires(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.revoke(&digest(), None).await.unwrap();
        let before = issued_at(expiry() - Duration::MICROSECOND);
        assert_eq!(states.put(before).await.unwrap(), PutOutcome::InUse);
        assert_eq!(states.put(issued_at(expiry())).await.unwrap(), PutOutcome::Stored);
    }

    /// A state is kept for a day after its expiry.
    pub async fn expired_state_is_kept_for_a_day(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.put(another_at(expiry() + Duration::DAY)).await.unwrap();
        assert_eq!(stored(states).await, Some(issued()));
    }

    /// A clock that goes back loses no state (I27).
    pub async fn clock_going_back_loses_no_state(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        states.put(another_at(NOON - Duration::WEEK)).await.unwrap();
        assert_eq!(stored(states).await, Some(issued()));
    }

    /// A time is an instant, whatever its offset from UTC: it comes back as the same instant, and is compared as one (I27).
    pub async fn offsets_of_times_change_nothing(states: &dyn StateStore) {
        let state =
            IssuedState { issued_at: in_the_east(NOON), expires_at: in_the_west(expiry()), ..issued() };
        assert_eq!(states.put(state).await.unwrap(), PutOutcome::Stored);
        assert_eq!(stored(states).await, Some(issued()));
        let other = |issued_at| IssuedState {
            organization: organization("org_other"),
            issued_at,
            expires_at: in_the_east(issued_at + IssuedState::LIFETIME),
            ..issued()
        };
        // Its clock shows the day after the expiry.
        let before = other(in_the_east(expiry() - Duration::MICROSECOND));
        assert_eq!(states.put(before).await.unwrap(), PutOutcome::InUse, "a microsecond before the expiry");
        // Its clock shows an hour before the expiry.
        let after = other(in_the_west(expiry()));
        assert_eq!(states.put(after.clone()).await.unwrap(), PutOutcome::Stored, "at the expiry");
        assert_eq!(stored(states).await, Some(after));
    }

    /// The time of a put is that of its instant, so that a clock in the east purges nothing too early.
    pub async fn clock_in_the_east_purges_nothing_early(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        let day_after = in_the_east(expiry() + Duration::DAY);
        states.put(IssuedState { issued_at: day_after, ..another_at(day_after) }).await.unwrap();
        assert_eq!(stored(states).await, Some(issued()));
    }

    /// A tied, an answered and a revoked state are kept for a day after their expiry like any other: their visitors are led
    /// on, and the revoked digest is not accepted again before it expires (I3).
    pub async fn used_states_are_kept_for_a_day_too(states: &dyn StateStore) {
        let of = |name: &str| IssuedState { digest: ticket(name), ..issued() };
        for name in ["tied", "answered", "revoked"] {
            states.put(of(name)).await.unwrap();
            states.save_pending(&ticket(name), pending(name)).await.unwrap();
        }
        let digests = ["tied", "answered", "revoked"].map(ticket);
        let [tied, refused, revoked] = digests;
        states.confirm_claim(&tied, None, claim(1)).await.unwrap();
        assert!(states.revoke(&refused, Some(ticket("answered"))).await.unwrap());
        assert!(states.revoke(&revoked, None).await.unwrap());
        let mut before = Vec::new();
        for digest in &digests {
            before.push(states.find_by_digest(digest).await.unwrap().unwrap());
        }
        states.put(another_at(expiry() + Duration::DAY)).await.unwrap();
        for (digest, before) in digests.iter().zip(before) {
            assert_eq!(states.find_by_digest(digest).await.unwrap(), Some(before));
        }
    }
);
