//! The kinds of errors, deadlines and the recovery.

use std::time::Duration;

use dockline::ports::{InsertOutcome, PutOutcome};
use dockline::{PortError, PortErrorKind};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::calls::{Call, calls, end_all};
use super::{Affected, Failure, FailureDriver};
use crate::fixtures::{NOON, binding_of, digest, organization, state_of};
use crate::runner::cases;

/// The time that a busy machine may add to a deadline.
const SLACK: Duration = Duration::from_secs(4);

/// How long the adapter may take to notice that the backend is back.
const RECOVERY: Duration = Duration::from_secs(15);

const fn is_unavailable(error: &PortError) -> bool {
    matches!(error.kind(), PortErrorKind::Unavailable | PortErrorKind::Overloaded)
}

/// Asserts how a call ended while the backend fails.
async fn check(call: Call, affected: Affected, deadline: Duration) {
    let (name, port, must_fail) = (call.name, call.port, affected == Affected::All || call.writes);
    let ended = call.end(deadline).await;
    assert!(
        ended.took <= deadline + SLACK,
        "{name} took {:?}, but the deadline is {deadline:?}: include the wait for a connection and all attempts in it",
        ended.took
    );
    match ended.error {
        None => assert!(
            !must_fail,
            "{name} succeeded, although the backend fails: an adapter returns an error, never an answer that it did not get"
        ),
        Some(error) => {
            assert!(
                is_unavailable(&error),
                "{name} failed as {:?}; a backend that is unreachable or does not answer is `Unavailable`: the caller may \
                 retry ({})",
                error.kind(),
                error.causes()
            );
            assert_eq!(error.port(), port, "{name} names another port");
        }
    }
}

/// Makes every call while the backend fails, all at once, so that the case takes one deadline.
async fn check_all(driver: &dyn FailureDriver, failure: Failure) {
    let (stores, deadline) = (driver.stores(), driver.deadline());
    for call in calls(&stores, 1) {
        let name = call.name;
        let error = call.end(deadline).await.error;
        assert!(error.is_none(), "{name} fails before the backend does: {error:?}");
    }
    let affected = driver.fail(failure).await;
    if affected == Affected::Nothing {
        return;
    }
    let mut tasks = JoinSet::new();
    for call in calls(&stores, 2) {
        tasks.spawn(check(call, affected, deadline));
    }
    tasks.join_all().await;
    driver.recover().await;
}

/// Repeats a call until it succeeds.
async fn recovered<T, F: Future<Output = Result<T, PortError>>>(name: &str, call: impl Fn() -> F) -> T {
    let started = Instant::now();
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(error) => assert!(
                is_unavailable(&error) && started.elapsed() < RECOVERY,
                "{name} still fails {:?} after the backend recovered: replace connections that failed ({error:?})",
                started.elapsed()
            ),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

cases!(
    use __failures_backend as list;

    /// A backend that cannot be reached is `Unavailable`, within the deadline, and never an answer such as `None`: the core would
    /// reject a valid key or bind an organization twice (L-02).
    pub async fn unreachable_backend_is_unavailable(driver: &dyn FailureDriver) {
        check_all(driver, Failure::Unreachable).await;
    }

    /// A backend that does not answer is `Unavailable` within the deadline (I17).
    pub async fn silent_backend_is_unavailable_within_the_deadline(driver: &dyn FailureDriver) {
        check_all(driver, Failure::Silent).await;
    }

    /// Many calls at once that get no answer all end within the deadline: none waits for the deadline of another one (I17).
    pub async fn concurrent_calls_end_within_one_deadline(driver: &dyn FailureDriver) {
        let (stores, deadline) = (driver.stores(), driver.deadline());
        let affected = driver.fail(Failure::Silent).await;
        if affected == Affected::Nothing {
            return;
        }
        let mut tasks = JoinSet::new();
        for call in (1..=16).flat_map(|number| calls(&stores, number)) {
            tasks.spawn(check(call, affected, deadline));
        }
        tasks.join_all().await;
        driver.recover().await;
    }

    /// After the backend is back, the adapter works again without a restart (I24).
    pub async fn recovered_backend_is_used_again(driver: &dyn FailureDriver) {
        let (stores, deadline) = (driver.stores(), driver.deadline());
        for (round, failure) in (0_u64..).zip([Failure::Unreachable, Failure::Silent, Failure::Unreachable]) {
            if driver.fail(failure).await == Affected::Nothing {
                continue;
            }
            end_all(calls(&stores, 100 + round), deadline).await;
            driver.recover().await;
            if let Some(states) = &stores.states {
                let digest = digest(&format!("recovered {round}"));
                let put = recovered("StateStore::put", || states.put(state_of("acme", digest, NOON))).await;
                assert_eq!(put, PutOutcome::Stored);
            }
            if let Some(bindings) = &stores.bindings {
                recovered("BindingRepo::find", || async { bindings.find(&organization("acme")).await }).await;
            }
            for call in calls(&stores, 200 + round) {
                let name = call.name;
                let error = call.end(deadline).await.error;
                assert!(error.is_none(), "{name} fails after the backend recovered: {error:?}");
            }
        }
    }

    /// A write that failed had its whole effect or none: the same call then succeeds, and the row is complete (I6).
    pub async fn failed_write_is_whole(driver: &dyn FailureDriver) {
        let stores = driver.stores();
        let new = || binding_of("acme", 1, digest("state"));
        let state = || state_of("acme", digest("state"), NOON);
        for failure in [Failure::Unreachable, Failure::Silent] {
            if driver.fail(failure).await == Affected::Nothing {
                continue;
            }
            if let Some(bindings) = &stores.bindings {
                bindings.insert(new()).await.unwrap_err();
            }
            if let Some(states) = &stores.states {
                states.put(state()).await.unwrap_err();
            }
            driver.recover().await;
            if let Some(states) = &stores.states {
                let put = recovered("StateStore::put", || states.put(state())).await;
                assert_eq!(put, PutOutcome::Stored);
                let found = recovered("StateStore::find_by_digest", || async {
                    states.find_by_digest(&digest("state")).await
                });
                assert_eq!(found.await, Some(state()));
            }
            if let Some(bindings) = &stores.bindings {
                let row = match recovered("BindingRepo::insert", || bindings.insert(new())).await {
                    InsertOutcome::Inserted(row) | InsertOutcome::Occupied(row) => row,
                    other @ (InsertOutcome::Taken | InsertOutcome::Spent | InsertOutcome::Gone) => {
                        unreachable!("the failed insert left half of a binding: {other:?}")
                    }
                };
                let found =
                    recovered("BindingRepo::find", || async { bindings.find(&organization("acme")).await });
                assert_eq!(found.await, Some(row));
            }
        }
    }
);
