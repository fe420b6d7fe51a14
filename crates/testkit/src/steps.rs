//! The last calls of a case, printed if it fails.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dockline::OutboxUsage;
use time::OffsetDateTime;

use crate::handles::TwoHandles;
use crate::outbox::{Node, OutboxDriver};

/// Enough to see what led to a failure; the seed repeats the rest.
const KEPT: usize = 30;

/// The last calls and their answers.
#[derive(Debug, Default)]
pub struct Steps(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: VecDeque<String>,
    all: usize,
}

impl Steps {
    pub(crate) fn add(&self, step: String) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.last.len() == KEPT {
            kept.last.pop_front();
        }
        kept.last.push_back(step);
        kept.all += 1;
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = kept.all - kept.last.len() + 1;
        for (number, step) in (first..).zip(&kept.last) {
            writeln!(f, "{number:>5}. {step}")?;
        }
        Ok(())
    }
}

/// A driver whose nodes record their calls.
#[derive(Debug)]
pub(crate) struct RecordedOutbox {
    pub(crate) driver: Arc<dyn OutboxDriver>,
    pub(crate) steps: Arc<Steps>,
}

#[async_trait]
impl OutboxDriver for RecordedOutbox {
    async fn node(&self, app: u64) -> Node {
        let Node { app, bindings, deliveries, outbox } = self.driver.node(app).await;
        let steps = || Arc::clone(&self.steps);
        Node {
            app,
            bindings: Arc::new(TwoHandles::recorded([Arc::clone(&bindings), bindings], steps())),
            deliveries: Arc::new(TwoHandles::recorded([Arc::clone(&deliveries), deliveries], steps())),
            outbox: Arc::new(TwoHandles::recorded([Arc::clone(&outbox), outbox], steps())),
        }
    }

    async fn close(&self, app: u64) -> bool {
        self.driver.close(app).await
    }

    async fn usage(&self, app: u64, now: OffsetDateTime) -> Option<OutboxUsage> {
        self.driver.usage(app, now).await
    }
}
