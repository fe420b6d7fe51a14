//! Concurrent calls that start at the same moment.

use std::future::Future;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// The number of tasks that race in each round.
pub const TASKS: u64 = 16;

/// The rounds of a race case. A single round misses half of the wrong adapters. The number makes names unique per round.
pub const ROUNDS: RangeInclusive<u64> = 1..=25;

/// Starts [`TASKS`] tasks at once and returns their results in the order of their numbers, which start at 1.
///
/// # Panics
/// Panics if a task panics.
pub async fn race<P, T, F>(port: &Arc<P>, run: impl Fn(Arc<P>, u64) -> F) -> Vec<T>
where
    P: ?Sized + Send + Sync + 'static,
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(TASKS as usize));
    let mut tasks = JoinSet::new();
    for number in 1..=TASKS {
        let (barrier, task) = (Arc::clone(&barrier), run(Arc::clone(port), number));
        tasks.spawn(async move {
            barrier.wait().await;
            (number, task.await)
        });
    }
    let mut outcomes = tasks.join_all().await;
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Returns how many of the outcomes equal `wanted`.
#[must_use]
pub fn count<T: PartialEq>(outcomes: &[T], wanted: &T) -> u64 {
    outcomes.iter().map(|outcome| u64::from(outcome == wanted)).sum()
}

/// Returns the number of the only task with the outcome `wanted`.
///
/// # Panics
/// Panics if no task or more than one task has it.
pub fn only<T: PartialEq + std::fmt::Debug>(outcomes: &[T], wanted: &T) -> u64 {
    assert_eq!(count(outcomes, wanted), 1, "not exactly one {wanted:?}: {outcomes:?}");
    (1..).zip(outcomes).find(|(_, outcome)| *outcome == wanted).unwrap().0
}
