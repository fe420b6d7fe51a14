//! Calls whose caller leaves halfway: a client that disconnects, a deadline, a server that shuts down.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

/// How long a call after a dropped one may take. Longer than any deadline of an adapter, so that a call that waits for the lock
/// or the connection of a dropped one fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The numbers of polls after which the cases drop a call: each stops it at another `await`.
pub const POLLS: std::ops::RangeInclusive<usize> = 1..=8;

/// Polls a call up to `polls` times, each time that it can proceed, and drops it. Returns the answer if it came before.
pub async fn dropped_after<T>(polls: usize, call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(move |context| {
        left = left.saturating_sub(1);
        match call.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Returns the answer of a call after dropped ones.
///
/// # Panics
/// Panics if it takes longer than [`PATIENCE`].
pub async fn soon<T>(call: impl Future<Output = T>) -> T {
    let answer = timeout(PATIENCE, call).await;
    assert!(
        answer.is_ok(),
        "the call after a dropped one got no answer within {PATIENCE:?}: the dropped one still holds a lock, a connection or a \
         place in a queue; release it when the future is dropped"
    );
    answer.unwrap()
}
