//! The cases of [`Housekeeping`]. [`housekeeping_suite!`](crate::housekeeping_suite) runs them.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, Directory, Housekeeping, RateLimiter, StateStore};
use time::{Duration, OffsetDateTime};

use crate::outbox::Node;
use crate::runner::suite;

pub mod bindings;
pub mod buckets;
pub mod messages;
pub mod states;

/// The adapter under test and the stores that it deletes from.
#[async_trait]
pub trait HousekeepingDriver: Debug + Send + Sync + 'static {
    /// Returns the adapter under test, opened independently of the stores.
    fn housekeeping(&self) -> &dyn Housekeeping;

    /// Returns the repository.
    fn bindings(&self) -> &dyn BindingRepo;

    /// Returns the directory.
    fn directory(&self) -> &dyn Directory;

    /// Returns the states.
    fn states(&self) -> &dyn StateStore;

    /// Returns the rate limiter.
    fn limiter(&self) -> &dyn RateLimiter;

    /// Opens the outbox of the repository, whose App has the id 1.
    async fn open_outbox(&self) -> Node;
}

suite! {
    /// Makes one `#[test]` per case of [`Housekeeping`](crate::dockline::ports::Housekeeping) in a module `housekeeping`. The
    /// adapter is a [`HousekeepingDriver`](crate::housekeeping::HousekeepingDriver).
    housekeeping_suite, housekeeping, HousekeepingDriver: states, bindings, buckets, messages
}

pub(crate) const MONTH: Duration = Duration::days(30);

/// Deletes everything that is expired, as the worker does, and returns the number of rows.
pub(crate) async fn purge(driver: &dyn HousekeepingDriver, now: OffsetDateTime) -> u64 {
    let mut deleted = 0;
    loop {
        match driver.housekeeping().purge(now, 100).await.unwrap() {
            0 => return deleted,
            rows => deleted += rows,
        }
    }
}
