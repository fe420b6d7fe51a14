//! Calls whose row another transaction has locked: each key by itself, so that no other key waits for the lock.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Batched, Outcome, Shared, Waiting, fail};
use crate::error::DatabaseError;

/// Statements for a call, if each finds that the transaction that held the lock changed the row.
const ATTEMPTS: u32 = 5;

/// Sets callers of a key apart, and starts a task for them unless there is one for the key.
pub(super) fn begin<B: Batched>(shared: &Arc<Shared<B>>, key: B::Key, callers: Vec<Waiting<B>>) {
    if shared.lock().queue.set_apart(key.clone(), callers) {
        tokio::spawn(run(Arc::clone(shared), key));
    }
}

/// Executes the calls of a key until none waits. Waits for the lock.
async fn run<B: Batched>(shared: Arc<Shared<B>>, key: B::Key) {
    let mut apart = Apart { shared: &shared, key: Some(key.clone()) };
    let Ok(_permit) = shared.apart.acquire().await else { return };
    loop {
        let mut callers = {
            let mut state = shared.lock();
            let now = Instant::now();
            let callers = state.queue.take_apart(&key, B::MOST_OF_A_KEY, |caller| caller.until <= now);
            if callers.is_empty() {
                apart.key = None;
                return;
            }
            callers
        };
        for _ in 0..ATTEMPTS {
            callers = answer(&shared, &key, callers).await;
            if callers.is_empty() {
                break;
            }
        }
        fail(with_key(&key, callers), DatabaseError::Conflict(ATTEMPTS));
    }
}

/// Returns the callers that are to be asked for again.
async fn answer<B: Batched>(shared: &Shared<B>, key: &B::Key, callers: Vec<Waiting<B>>) -> Vec<Waiting<B>> {
    let asks: Vec<B::Ask> = callers.iter().map(|caller| caller.ask.clone()).collect();
    let outcomes = match shared.execute(&asks, true).await {
        Ok(outcomes) => outcomes,
        Err(error) => {
            fail(with_key(key, callers), error);
            return Vec::new();
        }
    };
    let mut again = Vec::new();
    for (caller, outcome) in callers.into_iter().zip(outcomes) {
        match outcome {
            Outcome::Answered(answer) => caller.answer(answer),
            Outcome::Locked => again.push(caller),
        }
    }
    again
}

fn with_key<B: Batched>(key: &B::Key, callers: Vec<Waiting<B>>) -> Vec<(B::Key, Waiting<B>)> {
    callers.into_iter().map(|caller| (key.clone(), caller)).collect()
}

/// If the task panics or is aborted, drops the waiting callers of the key, who get an error.
struct Apart<'a, B: Batched> {
    shared: &'a Shared<B>,
    key: Option<B::Key>,
}

impl<B: Batched> Drop for Apart<'_, B> {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            self.shared.lock().queue.remove(key);
        }
    }
}
