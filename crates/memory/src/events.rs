use std::collections::VecDeque;
use std::fmt;

use dockline::ports::{Event, Events};

use crate::Shared;

/// Keeps the latest [`Event`]s, for tests and demos.
#[derive(Clone)]
pub struct MemoryEvents(Shared<Ring>);

struct Ring {
    events: VecDeque<Event>,
    capacity: usize,
    dropped: u64,
}

impl MemoryEvents {
    /// The capacity of [`Default`].
    pub const DEFAULT_CAPACITY: usize = 1_024;

    /// Keeps up to `capacity` events.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self(Shared::new(Ring { events: VecDeque::new(), capacity, dropped: 0 }))
    }

    /// Returns the kept events, oldest first.
    #[must_use]
    pub fn recorded(&self) -> Vec<Event> {
        self.0.lock().events.iter().cloned().collect()
    }

    /// Returns the number of events that were evicted by later ones.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.lock().dropped
    }
}

impl Default for MemoryEvents {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

impl fmt::Debug for MemoryEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEvents").finish_non_exhaustive()
    }
}

impl Events for MemoryEvents {
    fn record(&self, event: &Event) {
        let mut ring = self.0.lock();
        ring.events.push_back(event.clone());
        if ring.events.len() > ring.capacity {
            ring.events.pop_front();
            ring.dropped = ring.dropped.saturating_add(1);
        }
    }
}
