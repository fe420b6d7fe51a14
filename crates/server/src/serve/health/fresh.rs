//! What is found out at most so often, however many ask.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// The last finding, for as long as it is fresh.
#[derive(Debug)]
pub(super) struct Fresh<T> {
    for_how_long: Duration,
    last: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Fresh<T> {
    pub(super) fn new(for_how_long: Duration) -> Self {
        Self { for_how_long, last: Mutex::new(None) }
    }

    /// The last finding, or what `find` finds. One finds at a time; the others wait, and take what was found. Where the
    /// one is dropped, the next of them begins anew.
    pub(super) async fn get(&self, find: impl Future<Output = T> + Send) -> T {
        let mut last = self.last.lock().await;
        if let Some((at, finding)) = &*last
            && at.elapsed() < self.for_how_long
        {
            return finding.clone();
        }
        let finding = find.await;
        *last = Some((Instant::now(), finding.clone()));
        finding
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_cost_one_finding_a_second() {
        let fresh = Fresh::new(SECOND);
        let found = AtomicUsize::new(0);
        let find = || async {
            sleep(SECOND / 10).await;
            found.fetch_add(1, Ordering::SeqCst) + 1
        };
        assert_eq!(join_all((0..100).map(|_| fresh.get(find()))).await, vec![1; 100]);
        advance(SECOND / 2).await;
        assert_eq!(fresh.get(find()).await, 1);
        advance(SECOND / 2).await;
        assert_eq!(join_all((0..100).map(|_| fresh.get(find()))).await, vec![2; 100]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_while_finding_out_holds_nobody_up() {
        let fresh = Fresh::new(SECOND);
        assert!(fresh.get(std::future::pending::<u8>()).now_or_never().is_none());
        assert_eq!(fresh.get(async { 2 }).await, 2);
    }
}
