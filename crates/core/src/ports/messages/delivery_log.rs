use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::PortError;
use crate::model::{InstallationId, InstallerRecord};
use crate::ports::forward;

/// An attempt to deliver a webhook, by GitHub's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedDelivery {
    /// GitHub's id of the attempt. Redeliveries have ids of their own.
    pub id: u64,
    /// `X-GitHub-Delivery`, which all attempts of a delivery share.
    pub guid: String,
    /// When it was sent, by GitHub's clock.
    pub delivered_at: OffsetDateTime,
    /// The status of the response; 0 if there was none.
    pub status: u16,
    /// `X-GitHub-Event`, such as `push`.
    pub event: String,
    /// The action in the payload, such as `created`.
    pub action: Option<String>,
    /// The installation that the delivery is about.
    pub installation: Option<InstallationId>,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryLogPage {
    /// The attempts, newest first.
    pub deliveries: Vec<LoggedDelivery>,
    /// The cursor of the next, older page; `None` on the last page. At most 512 characters.
    pub next: Option<String>,
}

/// The outcome of [`DeliveryLog::redeliver`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedeliverOutcome {
    /// GitHub sends the delivery again.
    Accepted,
    /// GitHub does not send it again: it is not in the log any more, or GitHub rejects the request.
    Refused,
}

/// GitHub's log of the webhooks that it sent to the App, with its attempts of about three days.
///
/// The rules for deadlines, sizes and the kinds of errors are those of [`GithubGateway`](crate::ports::GithubGateway).
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait DeliveryLog: Debug + Send + Sync + 'static {
    /// Returns a page: the newest without a cursor. `None` if GitHub rejects the cursor.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn page(&self, cursor: Option<String>) -> Result<Option<DeliveryLogPage>, PortError>;

    /// Asks GitHub to send the delivery of this attempt again.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn redeliver(&self, id: u64) -> Result<RedeliverOutcome, PortError>;

    /// Returns who installed the App, by the attempt `id` to deliver `installation.created` for this installation; `None` if
    /// GitHub kept no payload.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn installer(
        &self,
        id: u64,
        installation: InstallationId,
    ) -> Result<Option<InstallerRecord>, PortError>;
}

forward!(DeliveryLog {
    async fn page(&self, cursor: Option<String>) -> Result<Option<DeliveryLogPage>, PortError>;
    async fn redeliver(&self, id: u64) -> Result<RedeliverOutcome, PortError>;
    async fn installer(&self, id: u64, installation: InstallationId) -> Result<Option<InstallerRecord>, PortError>;
});
