use std::sync::Arc;

use dockline::ports::{Event, Events};

/// Tells every event to several, in order: to the log and to the counters, say.
#[derive(Debug, Clone, Default)]
pub struct FanOut(Vec<Arc<dyn Events>>);

impl FanOut {
    /// To these.
    #[must_use]
    pub fn to(all: impl IntoIterator<Item = Arc<dyn Events>>) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Events for FanOut {
    fn record(&self, event: &Event) {
        for events in &self.0 {
            events.record(event);
        }
    }
}
