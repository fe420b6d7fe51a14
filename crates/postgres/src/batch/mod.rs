//! Calls that wait at the same time share a statement, like the commits of a group commit.
//!
//! While a batch is in flight, the next one collects. So a call on an idle system is sent at once, and a busy system
//! sends few, large batches. A task sends the batch, so a dropped call cancels nothing.

mod apart;
mod queue;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::Hash;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dockline::{PortError, PortErrorKind, PortName};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout};

use self::queue::Queue;
use crate::database::Database;
use crate::error::DatabaseError;

/// Callers per batch.
const MOST: usize = 64;

/// Callers of one key per batch.
const MOST_OF_A_KEY: usize = 8;

/// Callers that wait for a batch. At a thousand batches a second the last of them waits for eight milliseconds; if the database
/// hangs, the memory that they take is bounded.
const MOST_WAITING: usize = 512;

/// A batch that takes longer does not hold up the next one, so that one broken connection costs no more than this.
const STALLED_AFTER: Duration = Duration::from_millis(200);

/// Keys that are asked for by themselves at a time; each may wait for a lock, with a connection.
const MOST_APART: usize = 2;

/// A condition on the number of a row of the arrays of a shared statement. It always holds, but the planner expects it of a
/// tenth of the rows.
///
/// The planner expects ten rows of arrays that it does not know, and of known ones as many as they have. So a plan for the
/// values of a small batch looks cheaper than one for all values, and each batch would be planned anew, which takes longer than
/// its execution. With this condition both plans expect one row, and the statement is planned once per connection.
macro_rules! planned_once {
    ($number:literal) => {
        concat!($number, " % 1 = 0")
    };
}

pub(crate) use planned_once;

/// A statement that answers several calls.
#[async_trait]
pub(crate) trait Batched: Send + Sync + 'static {
    /// The calls are fair among keys, and only calls of one key can be held up by a lock.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    type Ask: Clone + Send + Sync + 'static;
    type Answer: Send + 'static;

    /// The port of errors.
    const PORT: PortName;

    /// Callers of one key per statement.
    const MOST_OF_A_KEY: usize = MOST_OF_A_KEY;

    /// Executes one statement and returns the outcomes in the order of `asks`. Waits for locked rows only if `waits`.
    async fn execute(
        &self,
        asks: &[Self::Ask],
        waits: bool,
    ) -> Result<Vec<Outcome<Self::Answer>>, DatabaseError>;
}

/// The outcome of a statement for one call.
#[derive(Debug)]
pub(crate) enum Outcome<A> {
    Answered(Result<A, DatabaseError>),
    /// Nothing was done: another transaction has locked the row or changed it meanwhile, or the call cannot share the
    /// statement with another one. The call is to be executed apart from those of other keys.
    Locked,
}

/// The number of statements, and of calls that they answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchCounts {
    /// Executed statements.
    pub statements: u64,
    /// Calls in these statements.
    pub calls: u64,
}

/// Collects calls into batches. Clones share the batches.
pub(crate) struct Batcher<B: Batched>(Arc<Shared<B>>);

struct Shared<B: Batched> {
    batched: B,
    deadline: Duration,
    /// Batches that may be in flight beside the current one because they stall.
    most_stalled: usize,
    state: Mutex<State<B>>,
    apart: Semaphore,
    statements: AtomicU64,
    calls: AtomicU64,
}

struct State<B: Batched> {
    queue: Queue<B::Key, Waiting<B>>,
    /// Whether a task takes batches from the queue.
    running: bool,
    stalled: usize,
    /// Whether callers were refused since the queue was last empty.
    refuses: bool,
}

struct Waiting<B: Batched> {
    ask: B::Ask,
    until: Instant,
    answer: oneshot::Sender<Result<B::Answer, PortError>>,
}

type Batch<B> = Vec<(<B as Batched>::Key, Waiting<B>)>;

impl<B: Batched> Waiting<B> {
    /// A caller who has left does not hear the answer.
    fn answer(self, answer: Result<B::Answer, DatabaseError>) {
        drop(self.answer.send(answer.map_err(|error| error.of_port(B::PORT))));
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the task that executes batches has ended")]
struct TaskEnded;

impl<B: Batched> Batcher<B> {
    /// `deadline` is that of each call, and `connections` the size of the pool.
    fn new(batched: B, deadline: Duration, connections: usize) -> Self {
        let state = State { queue: Queue::default(), running: false, stalled: 0, refuses: false };
        Self(Arc::new(Shared {
            batched,
            deadline,
            most_stalled: connections.saturating_sub(1),
            state: Mutex::new(state),
            apart: Semaphore::new(MOST_APART),
            statements: AtomicU64::new(0),
            calls: AtomicU64::new(0),
        }))
    }

    /// Uses the deadline and the pool of `database`.
    pub(crate) fn of(batched: B, database: &Database) -> Self {
        Self::new(batched, database.deadline(), database.pool().status().max_size)
    }

    /// Sends the call with the next batch, and waits for its answer. If too many calls wait, one of the key with the most of
    /// them is refused at once.
    pub(crate) async fn ask(&self, key: B::Key, ask: B::Ask) -> Result<B::Answer, PortError> {
        let (answer, received) = oneshot::channel();
        let deadline = self.0.deadline;
        let caller = Waiting { ask, until: Instant::now() + deadline, answer };
        let (refused, is_first, starts) = {
            let mut state = self.0.lock();
            let refused = state.queue.push(key, caller, MOST_WAITING);
            let is_first = refused.is_some() && !std::mem::replace(&mut state.refuses, true);
            (refused, is_first, state.starts())
        };
        if starts {
            tokio::spawn(run(Arc::clone(&self.0)));
        }
        if let Some(refused) = refused {
            refused.answer(Err(DatabaseError::Overloaded(MOST_WAITING)));
        }
        if is_first {
            tracing::warn!(port = ?B::PORT, waiting = MOST_WAITING, "too many calls wait; further ones are refused");
        }
        match timeout(deadline, received).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(PortError::new(B::PORT, PortErrorKind::Unexpected, TaskEnded)),
            Err(_) => Err(DatabaseError::Deadline(deadline).of_port(B::PORT)),
        }
    }

    pub(crate) fn counts(&self) -> BatchCounts {
        BatchCounts {
            statements: self.0.statements.load(Ordering::Relaxed),
            calls: self.0.calls.load(Ordering::Relaxed),
        }
    }
}

impl<B: Batched> State<B> {
    /// Returns whether the caller has to start the task that takes batches.
    fn starts(&mut self) -> bool {
        !self.queue.is_empty() && !std::mem::replace(&mut self.running, true)
    }
}

impl<B: Batched> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn execute(&self, asks: &[B::Ask], waits: bool) -> Result<Vec<Outcome<B::Answer>>, DatabaseError> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.calls.fetch_add(asks.len() as u64, Ordering::Relaxed);
        let outcomes = self.batched.execute(asks, waits).await?;
        if outcomes.len() == asks.len() {
            Ok(outcomes)
        } else {
            Err(DatabaseError::corrupt("batch", "another number of answers than of calls"))
        }
    }
}

/// Executes batches until the queue is empty.
async fn run<B: Batched>(shared: Arc<Shared<B>>) {
    let mut role = Role { shared: &shared, is: Is::Taking };
    loop {
        let batch = {
            let mut state = shared.lock();
            let now = Instant::now();
            let batch = state.queue.take(MOST, B::MOST_OF_A_KEY, |caller| caller.until <= now);
            if batch.is_empty() {
                state.running = false;
                state.refuses = false;
                role.is = Is::Done;
                return;
            }
            batch
        };
        let mut executed = pin!(answer(&shared, batch));
        if timeout(STALLED_AFTER, &mut executed).await.is_ok() {
            continue;
        }
        if !hand_over(&shared) {
            executed.await;
            continue;
        }
        role.is = Is::Stalled;
        executed.await;
        return;
    }
}

/// Lets another task take the next batches. Returns `false` if too many batches stall already.
fn hand_over<B: Batched>(shared: &Arc<Shared<B>>) -> bool {
    let starts = {
        let mut state = shared.lock();
        if state.stalled >= shared.most_stalled {
            return false;
        }
        state.stalled += 1;
        state.running = false;
        state.starts()
    };
    if starts {
        tokio::spawn(run(Arc::clone(shared)));
    }
    true
}

/// What a task does, so that its end is noticed also if it panics or is aborted.
struct Role<'a, B: Batched> {
    shared: &'a Shared<B>,
    is: Is,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// Takes batches from the queue.
    Taking,
    /// Waits for a batch that stalls, while another task takes the next ones.
    Stalled,
    Done,
}

impl<B: Batched> Drop for Role<'_, B> {
    fn drop(&mut self) {
        match self.is {
            // The waiting callers get an error, and the next call starts another task.
            Is::Taking => {
                let mut state = self.shared.lock();
                state.running = false;
                state.queue = Queue::default();
            }
            Is::Stalled => self.shared.lock().stalled -= 1,
            Is::Done => {}
        }
    }
}

/// Executes a batch and answers its callers. If it fails, repeats each half once, so that a call that cannot be executed spoils
/// no more than its half. A call that was executed before the connection failed is then executed twice.
async fn answer<B: Batched>(shared: &Arc<Shared<B>>, batch: Batch<B>) {
    let Err((mut first, error)) = try_answer(shared, batch).await else { return };
    if first.len() == 1 || !error.is_worth_a_repetition() {
        return fail(first, error);
    }
    let second = first.split_off(first.len().div_ceil(2));
    for half in [first, second] {
        if let Err((half, error)) = try_answer(shared, half).await {
            fail(half, error);
        }
    }
}

/// Executes a batch and answers its callers; those whose rows are locked are set apart. Returns the batch if it fails.
async fn try_answer<B: Batched>(
    shared: &Arc<Shared<B>>,
    batch: Batch<B>,
) -> Result<(), (Batch<B>, DatabaseError)> {
    let asks: Vec<B::Ask> = batch.iter().map(|(_, caller)| caller.ask.clone()).collect();
    let outcomes = match shared.execute(&asks, false).await {
        Ok(outcomes) => outcomes,
        Err(error) => return Err((batch, error)),
    };
    let mut locked: Vec<(B::Key, Vec<Waiting<B>>)> = Vec::new();
    for ((key, caller), outcome) in batch.into_iter().zip(outcomes) {
        match outcome {
            Outcome::Answered(answer) => caller.answer(answer),
            Outcome::Locked => match locked.iter_mut().find(|(locked, _)| *locked == key) {
                Some((_, callers)) => callers.push(caller),
                None => locked.push((key, vec![caller])),
            },
        }
    }
    for (key, callers) in locked {
        apart::begin(shared, key, callers);
    }
    Ok(())
}

fn fail<B: Batched>(batch: Batch<B>, error: DatabaseError) {
    let error = error.of_port(B::PORT);
    for (_, caller) in batch {
        drop(caller.answer.send(Err(error.clone())));
    }
}

impl<B: Batched> Clone for Batcher<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Batched> fmt::Debug for Batcher<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
