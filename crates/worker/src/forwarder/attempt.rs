use std::panic::AssertUnwindSafe;
use std::time::Duration;

use dockline::rules::outbox::AttemptOutcome;
use dockline::{OutboxEntry, OutboxMessage, Verdict};
use futures_util::FutureExt;
use metrics::{gauge, histogram};
use time::OffsetDateTime;
use tokio::time::{Instant, timeout};

use super::Forwarder;
use crate::metric_names::{FORWARD_ATTEMPT_DURATION, FORWARD_IN_FLIGHT, FORWARD_MESSAGE_DURATION};

impl Forwarder {
    /// Makes one attempt to send a message. Returns `None` if the shutdown cut it off.
    pub(super) async fn attempt(&self, message: OutboxMessage) -> Option<AttemptOutcome> {
        let started = Instant::now();
        let limit = self.options.attempt_timeout;
        let _in_flight = InFlight::new();
        let sending = timeout(limit, AssertUnwindSafe(self.sender.send(message)).catch_unwind());
        let outcome = tokio::select! {
            outcome = sending => Some(match outcome {
                Ok(Ok(outcome)) => outcome,
                // The panic's text may quote the payload: it is left to the host's panic hook.
                Ok(Err(_)) => AttemptOutcome::Failed { cause: "the sender panicked".to_owned() },
                Err(_) => AttemptOutcome::Failed { cause: format!("no answer within {} s", limit.as_secs()) },
            }),
            () = self.cut_off() => None,
        };
        let label = outcome.as_ref().map_or("cut_off", label);
        histogram!(FORWARD_ATTEMPT_DURATION, "outcome" => label).record(started.elapsed());
        outcome
    }
}

/// Counts and logs the outcome of an attempt.
pub(super) fn report(entry: &OutboxEntry, verdict: &Verdict) {
    let OutboxEntry { id, organization, installation, sequence, failures, .. } = entry;
    let organization = organization.as_ref().map(tracing::field::display);
    let installation = installation.map(tracing::field::display);
    let attempt = failures.attempts.saturating_add(1);
    match verdict {
        Verdict::Done { at } => {
            histogram!(FORWARD_MESSAGE_DURATION).record(since(entry.received_at, *at));
            tracing::debug!(%id, organization, installation, sequence, attempt, "message accepted");
        }
        Verdict::RetryLater { failed, next_attempt_at } => {
            let cause = failed.kept_cause();
            tracing::info!(
                %id, organization, installation, sequence, attempt, cause, %next_attempt_at,
                "message not accepted; will be retried in order"
            );
        }
        Verdict::SetAside { failed, next_attempt_at } => {
            let cause = failed.kept_cause();
            tracing::warn!(
                %id, organization, installation, sequence, attempt, cause, %next_attempt_at,
                "message set aside; will be retried out of order"
            );
        }
        Verdict::Dead { failed } => {
            let cause = failed.kept_cause();
            tracing::error!(
                %id, organization, installation, sequence, attempt, cause,
                "message given up; it is sent again only on request"
            );
        }
    }
}

fn since(start: OffsetDateTime, end: OffsetDateTime) -> Duration {
    Duration::try_from(end - start).unwrap_or_default()
}

/// Returns the outcome's label.
const fn label(outcome: &AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Answered { status: 200..=299, .. } => "accepted",
        AttemptOutcome::Answered { status: 408 | 425, .. } => "failed",
        AttemptOutcome::Answered { status: 429, .. } => "limited",
        AttemptOutcome::Answered { status: 400..=499, .. } => "refused",
        AttemptOutcome::Answered { .. } => "failed",
        AttemptOutcome::Failed { .. } => "no_answer",
    }
}

/// Counts an attempt that is under way.
struct InFlight;

impl InFlight {
    fn new() -> Self {
        gauge!(FORWARD_IN_FLIGHT).increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(FORWARD_IN_FLIGHT).decrement(1.0);
    }
}
