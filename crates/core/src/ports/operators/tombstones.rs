use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::PortError;
use crate::model::{InstallationId, Tombstone, TombstoneReset};
use crate::ports::forward;

/// The final ends of an App's installations, for an operator who has to forget one: a GitHub Enterprise Server that was
/// restored from a backup gives numbers a second time.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Tombstones: Debug + Send + Sync + 'static {
    /// Returns the final end of the installation; `None` if it has not ended for good, or is unknown.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn find(&self, installation: InstallationId) -> Result<Option<Tombstone>, PortError>;

    /// Forgets the final end of an installation, and stores who and why (`note`, at most 500 characters). Afterwards the number
    /// can be registered again, if GitHub shows it. Returns `None`, and changes nothing, if the installation is bound, has not
    /// ended for good, or is unknown.
    ///
    /// The installation's generation MUST grow, so that cached tokens of the earlier installation are not used, and its account and
    /// installer MUST be deleted.
    ///
    /// # Errors
    /// Infrastructure failures only. Everything was changed, or nothing; [`Self::find`] shows which.
    async fn reset(
        &self,
        installation: InstallationId,
        note: &str,
        now: OffsetDateTime,
    ) -> Result<Option<TombstoneReset>, PortError>;

    /// Returns all audit entries of the App, oldest first.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn resets(&self) -> Result<Vec<TombstoneReset>, PortError>;
}

forward!(Tombstones {
    async fn find(&self, installation: InstallationId) -> Result<Option<Tombstone>, PortError>;
    async fn reset(&self, installation: InstallationId, note: &str, now: OffsetDateTime) -> Result<Option<TombstoneReset>, PortError>;
    async fn resets(&self) -> Result<Vec<TombstoneReset>, PortError>;
});
