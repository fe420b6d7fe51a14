//! Many callers at one moment. One round lets broken adapters through in half of the runs, hence many.

use std::future::Future;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// How many tasks race in each round.
pub const TASKS: u64 = 16;

/// The rounds of a race clause, numbered, so that each has names and numbers of its own on the one adapter.
pub const ROUNDS: RangeInclusive<u64> = 1..=25;

/// What [`TASKS`] tasks get that start at once; each is told its number, from 1. In the order of the numbers.
///
/// # Panics
/// Where a task does.
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

/// How many of the outcomes are this one.
#[must_use]
pub fn count<T: PartialEq>(outcomes: &[T], wanted: &T) -> usize {
    outcomes.iter().filter(|outcome| *outcome == wanted).count()
}
