//! Batches over a statement that the tests control.

use std::sync::atomic::AtomicBool;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

/// A statement that returns its calls, once the test lets it.
#[derive(Default)]
struct Script {
    /// The calls of each execution, and whether it waited for locks.
    executed: Mutex<Vec<(Vec<u32>, bool)>>,
    /// How many executions may return.
    allowed: Mutex<usize>,
    changed: Notify,
    /// Calls that make a statement fail.
    poison: Mutex<Vec<u32>>,
    /// Calls whose row is locked for a statement that skips locked rows.
    locked: Mutex<Vec<u32>>,
    /// Whether each call gets the answer of the next one.
    shifts: AtomicBool,
}

impl Script {
    fn allow(&self, executions: usize) {
        *self.allowed.lock().unwrap() += executions;
        self.changed.notify_waiters();
    }

    fn executed(&self) -> Vec<Vec<u32>> {
        self.executed.lock().unwrap().iter().map(|(asks, _)| asks.clone()).collect()
    }

    /// Waits until so many executions have begun.
    async fn until_executed(&self, executions: usize) {
        loop {
            let changed = self.changed.notified();
            if self.executed.lock().unwrap().len() >= executions {
                return;
            }
            changed.await;
        }
    }

    async fn until_allowed(&self, number: usize) {
        loop {
            let changed = self.changed.notified();
            if *self.allowed.lock().unwrap() > number {
                return;
            }
            changed.await;
        }
    }
}

struct Fake(Arc<Script>);

#[async_trait]
impl Batched for Fake {
    type Key = u32;
    type Ask = u32;
    type Answer = u32;

    const PORT: PortName = PortName::Admission;

    async fn execute(&self, asks: &[u32], waits: bool) -> Result<Vec<Outcome<u32>>, DatabaseError> {
        let number = {
            let mut executed = self.0.executed.lock().unwrap();
            executed.push((asks.to_vec(), waits));
            executed.len() - 1
        };
        self.0.changed.notify_waiters();
        self.0.until_allowed(number).await;
        if asks.iter().any(|ask| self.0.poison.lock().unwrap().contains(ask)) {
            return Err(DatabaseError::Conflict(1));
        }
        let mut answers: Vec<_> = asks
            .iter()
            .map(|ask| match !waits && self.0.locked.lock().unwrap().contains(ask) {
                true => Outcome::Locked,
                false => Outcome::Answered(Ok(*ask)),
            })
            .collect();
        if self.0.shifts.load(Ordering::SeqCst) {
            answers.rotate_left(1);
        }
        Ok(answers)
    }
}

/// The tests' key of a call: its hundreds.
fn key(ask: u32) -> u32 {
    ask / 100
}

fn batcher(deadline: Duration) -> (Arc<Script>, Batcher<Fake>) {
    let script = Arc::new(Script::default());
    (script.clone(), Batcher::new(Fake(script), deadline, 4))
}

const LONG: Duration = Duration::from_secs(3_600);

type Call = JoinHandle<Result<u32, PortError>>;

/// Starts calls in this order.
async fn start(batcher: &Batcher<Fake>, asks: impl IntoIterator<Item = u32>) -> Vec<Call> {
    let mut calls = Vec::new();
    for ask in asks {
        let batcher = batcher.clone();
        calls.push(tokio::spawn(async move { batcher.ask(key(ask), ask).await }));
        tokio::task::yield_now().await;
    }
    calls
}

async fn results(calls: Vec<Call>) -> Vec<Option<u32>> {
    let mut results = Vec::new();
    for call in calls {
        results.push(call.await.unwrap().ok());
    }
    results
}

#[tokio::test(start_paused = true)]
async fn a_call_on_an_idle_system_is_sent_at_once_and_later_ones_share_the_next_statement() {
    let (script, batcher) = batcher(LONG);
    let first = start(&batcher, [100]).await;
    script.until_executed(1).await;
    let later = start(&batcher, (2..80).map(|number| number * 100)).await;
    assert_eq!(script.executed(), [vec![100]], "one batch is in flight");
    script.allow(3);
    assert_eq!(results(first).await, [Some(100)]);
    assert_eq!(results(later).await, (2..80).map(|number| Some(number * 100)).collect::<Vec<_>>());
    let sizes: Vec<_> = script.executed().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 64, 14]);
    assert_eq!(batcher.counts(), BatchCounts { statements: 3, calls: 79 });
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_at_most_eight_calls_of_a_key() {
    let (script, batcher) = batcher(LONG);
    let first = start(&batcher, [900]).await;
    script.until_executed(1).await;
    let calls = start(&batcher, (100..120).chain([200, 300])).await;
    script.allow(10);
    results(first).await;
    results(calls).await;
    let expected = [
        vec![900],
        [(100..108).collect(), vec![200, 300]].concat(),
        (108..116).collect(),
        (116..120).collect(),
    ];
    assert_eq!(script.executed(), expected);
}

#[tokio::test(start_paused = true)]
async fn beyond_512_waiting_calls_the_latest_of_the_key_with_the_most_is_refused() {
    let (script, batcher) = batcher(LONG);
    let first = start(&batcher, [900]).await;
    script.until_executed(1).await;
    let mut loud = start(&batcher, (0..=512).map(|_| 100)).await;
    let kind = async |call: Option<Call>| call.unwrap().await.unwrap().unwrap_err().kind();
    assert_eq!(kind(loud.pop()).await, PortErrorKind::Overloaded);
    let quiet = start(&batcher, [200]).await;
    assert_eq!(kind(loud.pop()).await, PortErrorKind::Overloaded);
    script.allow(100);
    results(first).await;
    assert_eq!(results(quiet).await, [Some(200)]);
    assert_eq!(results(loud).await, vec![Some(100); 511]);
    assert_eq!(batcher.counts().calls, 513, "refused calls are in no statement");
}

/// A caller that leaves is charged, and strands no other.
#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_stays_in_its_batch_c_79() {
    let (script, batcher) = batcher(LONG);
    let leaving = start(&batcher, [100]).await;
    script.until_executed(1).await;
    let calls = start(&batcher, [200, 300]).await;
    leaving[0].abort();
    calls[0].abort();
    script.allow(2);
    assert_eq!(results(calls.into_iter().skip(1).collect()).await, [Some(300)]);
    assert_eq!(script.executed(), [vec![100], vec![200, 300]]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_batch_is_repeated_in_halves_once() {
    let (script, batcher) = batcher(LONG);
    let first = start(&batcher, [900]).await;
    script.until_executed(1).await;
    script.poison.lock().unwrap().push(300);
    let calls = start(&batcher, [100, 200, 300, 400, 500]).await;
    script.allow(10);
    results(first).await;
    assert_eq!(results(calls).await, [None, None, None, Some(400), Some(500)]);
    let executed = script.executed();
    assert_eq!(executed[1..], [vec![100, 200, 300, 400, 500], vec![100, 200, 300], vec![400, 500]]);
    let alone = start(&batcher, [300]).await;
    assert_eq!(results(alone).await, [None]);
    assert_eq!(script.executed().len(), 5, "a single call is not repeated");
}

/// The others do not wait for a locked row.
#[tokio::test(start_paused = true)]
async fn a_key_whose_row_is_locked_is_asked_for_by_itself_c_79() {
    let (script, batcher) = batcher(LONG);
    let first = start(&batcher, [900]).await;
    script.until_executed(1).await;
    *script.locked.lock().unwrap() = vec![100, 101];
    let held = start(&batcher, [100, 101]).await;
    let others = start(&batcher, [200, 300]).await;
    script.allow(2);
    assert_eq!(results(others).await, [Some(200), Some(300)]);
    results(first).await;
    script.until_executed(3).await;
    // Later calls of the key wait for their turn, and those of other keys do not.
    let later = start(&batcher, [102]).await;
    let other = start(&batcher, [400]).await;
    script.until_executed(4).await;
    script.allow(10);
    assert_eq!(results(held).await, [Some(100), Some(101)]);
    assert_eq!(results(later).await, [Some(102)]);
    assert_eq!(results(other).await, [Some(400)]);
    let executed = script.executed.lock().unwrap().clone();
    let expected = [
        (vec![900], false),
        (vec![100, 101, 200, 300], false),
        (vec![100, 101], true),
        (vec![400], false),
        (vec![102], true),
    ];
    assert_eq!(executed, expected);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_stalls_does_not_hold_up_the_next_ones_beyond_the_pool() {
    let (script, batcher) = batcher(LONG);
    let mut calls = Vec::new();
    for number in 1..=4 {
        let started = Instant::now();
        calls.extend(start(&batcher, [number * 100]).await);
        script.until_executed(number as usize).await;
        assert_eq!(started.elapsed(), if number == 1 { Duration::ZERO } else { STALLED_AFTER });
    }
    calls.extend(start(&batcher, [500]).await);
    tokio::time::sleep(STALLED_AFTER * 10).await;
    assert_eq!(script.executed().len(), 4);
    script.allow(5);
    assert_eq!(results(calls).await, [100, 200, 300, 400, 500].map(Some));
    assert_eq!(batcher.0.lock().stalled, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline_and_is_not_sent_afterwards() {
    let (script, batcher) = batcher(Duration::from_millis(150));
    let calls = start(&batcher, [100, 200]).await;
    let started = Instant::now();
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Unavailable, "{error}");
    }
    assert_eq!(started.elapsed(), Duration::from_millis(150));
    script.allow(10);
    assert_eq!(results(start(&batcher, [300]).await).await, [Some(300)]);
    assert_eq!(script.executed(), [vec![100], vec![300]]);
}

/// I39's negative control: a statement that mixes up its answers is not noticed here, but by the asker, who finds another
/// call's key in the answer.
#[tokio::test(start_paused = true)]
async fn answers_that_are_shifted_by_one_name_another_call_i_39() {
    let (script, batcher) = batcher(LONG);
    let first = start(&batcher, [900]).await;
    script.until_executed(1).await;
    let calls = start(&batcher, [100, 200, 300]).await;
    script.shifts.store(true, Ordering::SeqCst);
    script.allow(2);
    results(first).await;
    assert_eq!(results(calls).await, [Some(200), Some(300), Some(100)]);
}

struct Panics;

#[async_trait]
impl Batched for Panics {
    type Key = u32;
    type Ask = u32;
    type Answer = u32;

    const PORT: PortName = PortName::Admission;

    async fn execute(&self, asks: &[u32], _: bool) -> Result<Vec<Outcome<u32>>, DatabaseError> {
        assert_ne!(asks, [100], "a bug of the adapter");
        Ok(asks.iter().map(|ask| Outcome::Answered(Ok(*ask))).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_the_callers_get_an_error_and_later_ones_an_answer() {
    let batcher = Batcher::new(Panics, LONG, 4);
    assert_eq!(batcher.ask(1, 100).await.unwrap_err().kind(), PortErrorKind::Unexpected);
    assert_eq!(batcher.ask(2, 200).await.unwrap(), 200);
}
