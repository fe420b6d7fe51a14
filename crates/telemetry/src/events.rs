use std::sync::Arc;

use dockline::ports::{Event, Events};
use metrics::counter;

use crate::metric_names::{EVENTS, TOKENS_MINTED};

/// Counts events by kind and reason. The number of series does not grow with organizations or installations.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventCounters;

const NONE: &str = "none";

impl Events for EventCounters {
    fn record(&self, event: &Event) {
        let (kind, detail) = match event {
            Event::Registered { proof, .. } => ("registered", proof.as_str()),
            Event::Replayed { .. } => ("replayed", NONE),
            Event::Refused { reason, .. } => ("refused", reason.as_str()),
            Event::Conflicted { .. } => ("conflicted", NONE),
            Event::ClaimConfirmed { proof, .. } => ("claim_confirmed", proof.as_str()),
            Event::CallbackRefused { reason, .. } => ("callback_refused", reason.as_str()),
            Event::Cancelled { .. } => ("cancelled", NONE),
            Event::Detached { uninstalled, .. } => {
                ("detached", if *uninstalled { "uninstalled" } else { NONE })
            }
            Event::Suspended { .. } => ("suspended", NONE),
            Event::Reinstated { .. } => ("reinstated", NONE),
            Event::Missing { .. } => ("missing", NONE),
            Event::Absent { .. } => ("absent", NONE),
            Event::Returned { .. } => ("returned", NONE),
            Event::MissingHeld { .. } => ("missing_held", NONE),
            Event::Uninstalled { .. } => ("uninstalled", NONE),
            Event::Renamed { .. } => ("renamed", NONE),
            Event::PermissionsChanged { .. } => ("permissions_changed", NONE),
            Event::AccountChanged { .. } => ("account_changed", NONE),
            Event::OutboxFull { .. } => ("outbox_full", NONE),
            Event::Denied { cause, .. } => ("denied", cause.as_str()),
            Event::TokenMinted { narrowed, .. } => {
                counter!(TOKENS_MINTED, "narrowed" => if *narrowed { "true" } else { "false" }).increment(1);
                return;
            }
            _ => ("other", NONE),
        };
        counter!(EVENTS, "event" => kind, "detail" => detail).increment(1);
    }
}

/// Passes every event to several handlers in order, for example to the log and to the counters.
#[derive(Debug, Clone, Default)]
pub struct FanOut(Vec<Arc<dyn Events>>);

impl FanOut {
    /// Passes events to `handlers`.
    #[must_use]
    pub fn to(handlers: impl IntoIterator<Item = Arc<dyn Events>>) -> Self {
        Self(handlers.into_iter().collect())
    }
}

impl Events for FanOut {
    fn record(&self, event: &Event) {
        for handler in &self.0 {
            handler.record(event);
        }
    }
}
