//! The cases of what operators see and do beyond the ports, which the adapters of SQL databases have.
//! [`operators_suite!`](crate::operators_suite) runs them.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::BindingRepo;
use dockline::{BindingCounts, InstallationId, Tombstone, TombstoneReset};
use time::OffsetDateTime;

use crate::runner::suite;

pub mod counts;
pub mod tombstones;

/// The bindings of an App and what operators see of them, through another handle to the same store.
#[async_trait]
pub trait OperatorsDriver: Debug + Send + Sync + 'static {
    /// Returns the repository.
    fn bindings(&self) -> &dyn BindingRepo;

    /// Counts the live bindings as of `now`.
    async fn counts(&self, now: OffsetDateTime) -> BindingCounts;

    /// Returns the final end of an installation.
    async fn tombstone(&self, installation: InstallationId) -> Option<Tombstone>;

    /// Forgets the final end of an installation.
    async fn reset(
        &self,
        installation: InstallationId,
        note: &str,
        now: OffsetDateTime,
    ) -> Option<TombstoneReset>;

    /// Returns the audit entries of forgotten ends, oldest first.
    async fn resets(&self) -> Vec<TombstoneReset>;

    /// Returns the repository of another App in the same store.
    fn bindings_of_other_app(&self) -> &dyn BindingRepo;

    /// Returns the audit entries of the other App.
    async fn resets_of_other_app(&self) -> Vec<TombstoneReset>;
}

suite! {
    /// Makes one `#[test]` per case of counting bindings and forgetting final ends in a module `operators`. The adapter is an
    /// [`OperatorsDriver`](crate::operators::OperatorsDriver).
    operators_suite, operators, OperatorsDriver: counts, tombstones
}
