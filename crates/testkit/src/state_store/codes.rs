//! OAuth codes: each is sent once, and a state takes a limited number of them.

use dockline::ports::{ReserveOutcome, StateStore};
use dockline::{CodeFate, IssuedState};

use super::{digest, issued, revoked, stored, ticket};
use crate::runner::cases;

async fn reserve(states: &dyn StateStore, code: &str) -> ReserveOutcome {
    states.reserve_code(&digest(), &ticket(code)).await.unwrap()
}

async fn settle(states: &dyn StateStore, code: &str, fate: CodeFate) {
    states.settle_code(&digest(), &ticket(code), fate).await.unwrap();
}

cases!(
    use __state_store_codes as list;

    /// A code is reserved once, and is known with its fate afterwards (L-75).
    pub async fn code_is_reserved_once(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        assert_eq!(reserve(states, "code").await, ReserveOutcome::Reserved);
        assert_eq!(reserve(states, "code").await, ReserveOutcome::Known(CodeFate::Sent));
        for fate in [CodeFate::Refused, CodeFate::Used, CodeFate::Sent] {
            settle(states, "code", fate).await;
            assert_eq!(reserve(states, "code").await, ReserveOutcome::Known(fate));
        }
        assert_eq!(stored(states).await, Some(issued()));
    }

    /// The sixth code that GitHub did not accept revokes the state. Known codes do not count again (L-71, I36).
    pub async fn sixth_refused_code_revokes_the_state(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        for (index, fate) in [CodeFate::Refused, CodeFate::Sent].into_iter().cycle().take(5).enumerate() {
            let code = format!("code {index}");
            for expected in [ReserveOutcome::Reserved, ReserveOutcome::Known(CodeFate::Sent)] {
                assert_eq!(reserve(states, &code).await, expected);
            }
            settle(states, &code, fate).await;
        }
        assert_eq!(stored(states).await, Some(issued()));
        assert_eq!(reserve(states, "sixth").await, ReserveOutcome::Exhausted);
        assert_eq!(stored(states).await, Some(revoked()));
        for code in ["sixth", "code 0"] {
            assert_eq!(reserve(states, code).await, ReserveOutcome::Unknown);
        }
    }

    /// Used codes do not count as refused, but their number is limited, too (I36).
    pub async fn used_codes_have_a_limit_of_their_own(states: &dyn StateStore) {
        states.put(issued()).await.unwrap();
        for index in 0..IssuedState::MOST_CODES {
            let code = format!("code {index}");
            assert_eq!(reserve(states, &code).await, ReserveOutcome::Reserved);
            settle(states, &code, CodeFate::Used).await;
        }
        assert_eq!(reserve(states, "one too many").await, ReserveOutcome::Exhausted);
        assert_eq!(stored(states).await, Some(revoked()));
    }

    /// A revoked or unknown state takes no code (L-15).
    pub async fn revoked_or_unknown_state_takes_no_code(states: &dyn StateStore) {
        assert_eq!(reserve(states, "code").await, ReserveOutcome::Unknown);
        assert_eq!(stored(states).await, None);
        states.put(issued()).await.unwrap();
        states.revoke(&digest(), None).await.unwrap();
        assert_eq!(reserve(states, "code").await, ReserveOutcome::Unknown);
    }

    /// `settle_code` stores no code that was not reserved.
    pub async fn settling_an_unknown_code_stores_nothing(states: &dyn StateStore) {
        settle(states, "code", CodeFate::Refused).await;
        states.put(issued()).await.unwrap();
        settle(states, "code", CodeFate::Refused).await;
        assert_eq!(reserve(states, "code").await, ReserveOutcome::Reserved);
    }
);
