//! Places for large bodies of unknown senders, so that there are never many of them at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a large body waits for its place.
const WAIT: Duration = Duration::from_secs(5);

/// The places, shared by all requests of a router.
#[derive(Debug, Clone)]
pub(crate) struct LargeBodies(Arc<Semaphore>);

impl LargeBodies {
    /// With deliveries of 25 MiB no more than 100 MiB, whoever sends them. Nothing is known of a sender before all of a
    /// body was read.
    pub(crate) const AT_ONCE: usize = 4;

    /// A place, given back when dropped; `None` where there is none for a while.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        timeout(WAIT, Arc::clone(&self.0).acquire_owned()).await.ok()?.ok()
    }
}

impl Default for LargeBodies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(Self::AT_ONCE)))
    }
}
