use std::fmt::Debug;
use std::sync::Arc;

use super::forward;
use crate::model::InstallationId;

/// Accepts hints that an installation may have changed at GitHub, and refreshes these installations later
/// ([`Dockline::refresh`](crate::Dockline::refresh)).
///
/// A webhook must be acknowledged within ten seconds, also if GitHub is slow or down; so its route only adds a hint.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait RefreshQueue: Debug + Send + Sync + 'static {
    /// Adds a hint. MUST return without waiting for I/O, and MUST NOT fail: if the queue is full, the hint is dropped and
    /// logged, and the next reconciliation refreshes the installation. Hints for an installation that is already waiting
    /// are merged; a hint for an installation that is being refreshed MUST lead to another refresh.
    fn enqueue(&self, installation: InstallationId);
}

forward!(RefreshQueue {
} {
    fn enqueue(&self, installation: InstallationId);
});
