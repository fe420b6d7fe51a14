//! One store behind two handles, as two nodes of a host have it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::steps::Steps;

/// Two handles to one store, called in turns. `TwoHandles<dyn StateStore>` is a `StateStore`, and so on.
///
/// A lock, a cache or a counter of one process is a part of its handle, so that an adapter that relies on it answers wrongly:
/// reads miss the writes of the other handle, and both handles grant what only one may.
pub struct TwoHandles<P: ?Sized> {
    handles: [Arc<P>; 2],
    calls: AtomicUsize,
    steps: Arc<Steps>,
}

impl<P: ?Sized> TwoHandles<P> {
    /// Calls these handles, which must be opened independently of one another: with a pool, a client or a file of their own.
    pub fn new(handles: [Arc<P>; 2]) -> Self {
        Self::recorded(handles, Arc::default())
    }

    pub(crate) const fn recorded(handles: [Arc<P>; 2], steps: Arc<Steps>) -> Self {
        Self { handles, calls: AtomicUsize::new(0), steps }
    }

    pub(crate) fn record(&self, step: String) {
        self.steps.add(step);
    }

    /// Returns the handle of the next call.
    pub(crate) fn next(&self) -> &P {
        let [first, second] = &self.handles;
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { first } else { second }
    }
}

impl<P: ?Sized + fmt::Debug> fmt::Debug for TwoHandles<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.handles).finish()
    }
}
