use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use dockline::ports::{Check, Clock, Readiness};
use metrics::gauge;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::metric_names::READY;

/// The name of the check that fails from the beginning of the shutdown on.
const PROCESS: &str = "process";

/// The readiness of a host, as the worker's probes last found it. Answering makes no call to a store or to GitHub.
///
/// The first check is `process`. It fails with `shutting_down` once the shutdown has begun or the worker has been dropped;
/// then it is the only check.
#[derive(Debug)]
pub struct WorkerReadiness {
    clock: Arc<dyn Clock>,
    states: Mutex<Vec<State>>,
}

/// The state of one check.
#[derive(Debug)]
struct State {
    name: &'static str,
    verdict: Verdict,
    /// The last reported cause, and since when it has been reported.
    reported: Option<(Option<&'static str>, OffsetDateTime)>,
}

/// The result of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passing,
    /// Passing until this time, then failing with this cause.
    PassingUntil(Instant, &'static str),
    Failing(&'static str),
}

impl Verdict {
    fn failing(self) -> Option<&'static str> {
        match self {
            Self::Passing => None,
            Self::PassingUntil(until, cause) => (Instant::now() > until).then_some(cause),
            Self::Failing(cause) => Some(cause),
        }
    }
}

impl WorkerReadiness {
    /// `process` passes; each further check starts with the given verdict.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        checks: impl IntoIterator<Item = (&'static str, Verdict)>,
    ) -> Self {
        let checks = [(PROCESS, Verdict::Passing)].into_iter().chain(checks);
        let states = checks.map(|(name, verdict)| State { name, verdict, reported: None }).collect();
        Self { clock, states: Mutex::new(states) }
    }

    /// Reports this node as not ready from now on. The worker calls this itself when its shutdown begins; call it earlier
    /// if load balancers need time to notice before the host stops accepting connections.
    pub fn begin_shutdown(&self) {
        self.set(PROCESS, Verdict::Failing("shutting_down"));
    }

    /// Stores the result of a probe.
    pub(crate) fn set(&self, name: &'static str, verdict: Verdict) {
        let mut states = self.states();
        for state in states.iter_mut().filter(|state| state.name == name) {
            state.verdict = verdict;
        }
        self.report(&mut states);
    }

    /// Evaluates all checks; logs and counts what has changed, also what has changed by time alone.
    pub(crate) fn evaluate(&self) -> Vec<Check> {
        let mut states = self.states();
        self.report(&mut states)
    }

    fn report(&self, states: &mut [State]) -> Vec<Check> {
        let now = self.clock.now();
        let shutting_down = states.first().is_some_and(|process| process.verdict.failing().is_some());
        let reported = if shutting_down { 1 } else { states.len() };
        states.iter_mut().take(reported).map(|state| state.report(now)).collect()
    }

    fn states(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn report(&mut self, now: OffsetDateTime) -> Check {
        let (name, failing) = (self.name, self.verdict.failing());
        let since = match self.reported {
            Some((reported, since)) if reported == failing => since,
            _ => now,
        };
        match (self.reported.and_then(|(reported, _)| reported), failing) {
            // The host logs its own shutdown.
            _ if name == PROCESS => {}
            (reported, Some(cause)) if reported != failing => {
                tracing::warn!(check = name, cause, "not ready");
            }
            (Some(cause), None) => tracing::info!(check = name, was = cause, "ready again"),
            _ => {}
        }
        self.reported = Some((failing, since));
        gauge!(READY, "check" => name).set(if failing.is_none() { 1.0 } else { 0.0 });
        Check { name, failing, since }
    }
}

#[async_trait]
impl Readiness for WorkerReadiness {
    async fn checks(&self) -> Vec<Check> {
        self.evaluate()
    }
}
