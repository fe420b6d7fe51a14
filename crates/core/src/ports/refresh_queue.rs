use std::fmt::Debug;
use std::sync::Arc;

use super::forward;
use crate::model::InstallationId;

/// Accepts hints that an installation may have changed at GitHub, and refreshes these installations later
/// ([`Dockline::refresh`](crate::Dockline::refresh)).
///
/// A webhook must be answered within ten seconds, whether GitHub is slow or down; so its route only adds a hint.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait RefreshQueue: Debug + Send + Sync + 'static {
    /// Adds a hint. MUST return at once, without I/O, and MUST NOT fail: a hint that finds no room is dropped and logged,
    /// and the next sweep refreshes the installation. Hints for an installation that is waiting already are merged; a hint
    /// for an installation that is being refreshed MUST lead to another refresh.
    fn enqueue(&self, installation: InstallationId);
}

forward!(RefreshQueue {
} {
    fn enqueue(&self, installation: InstallationId);
});
