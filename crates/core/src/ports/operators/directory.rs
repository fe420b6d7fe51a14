use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::forward;
use crate::error::PortError;
use crate::model::{
    AccountId, Binding, BindingState, HistoryCursor, HistoryEntry, InstallationFacts, InstallationId,
    OrganizationId, Proof, StoredFacts,
};

/// Which live bindings [`Directory::list`] returns: those that meet all conditions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryQuery {
    /// Only that of this organization.
    pub organization: Option<OrganizationId>,
    /// Only that of this installation.
    pub installation: Option<InstallationId>,
    /// Only those on this GitHub account.
    pub account: Option<AccountId>,
    /// Only those on accounts with this login.
    pub login: Option<LoginFilter>,
    /// Only those in this state.
    pub state: Option<BindingState>,
    /// Only those with this evidence.
    pub proof: Option<Proof>,
    /// Only those that GitHub last showed before this time, without those whose status is uninstalled.
    pub verified_before: Option<OffsetDateTime>,
    /// Only those after this organization: the last one of the page before.
    pub after: Option<OrganizationId>,
}

/// A condition on the login of an account. ASCII letters match in either case, as at GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginFilter {
    /// The whole login.
    Exact(String),
    /// The start of the login.
    Prefix(String),
}

/// The scope of the history that [`Directory::history`] returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryOf {
    /// All bindings of an organization.
    Organization(OrganizationId),
    /// All bindings of an installation.
    Installation(InstallationId),
}

/// Lists bindings for operators, and stores facts about installations for display. A capability of storage adapters: no
/// request depends on it.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Directory: Debug + Send + Sync + 'static {
    /// Returns live bindings that meet the query, by the bytes of the organization's id; at most `limit`. The cost SHOULD
    /// depend on the size of the page, not on the number of bindings.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn list(&self, query: &DirectoryQuery, limit: u32) -> Result<Vec<Binding>, PortError>;

    /// Returns live and released bindings in the order of [`HistoryCursor`], oldest first; only those after `after`; at most
    /// `limit`.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn history(
        &self,
        of: &HistoryOf,
        after: Option<HistoryCursor>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, PortError>;

    /// Returns the stored facts about an installation, bound or not.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn facts(&self, installation: InstallationId) -> Result<Option<StoredFacts>, PortError>;

    /// Stores facts about an installation that [`BindingRepo`](crate::ports::BindingRepo) knows; does nothing for another one.
    ///
    /// `asked_at` is the time of the request to GitHub; `None` for a webhook delivery, which names no time and may arrive
    /// late. Facts MUST NOT replace those of a later request, and those of a delivery MUST NOT replace those of a request.
    /// MUST be atomic.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn record_facts(
        &self,
        installation: InstallationId,
        facts: &InstallationFacts,
        asked_at: Option<OffsetDateTime>,
    ) -> Result<(), PortError>;
}

forward!(Directory {
    async fn list(&self, query: &DirectoryQuery, limit: u32) -> Result<Vec<Binding>, PortError>;
    async fn history(&self, of: &HistoryOf, after: Option<HistoryCursor>, limit: u32) -> Result<Vec<HistoryEntry>, PortError>;
    async fn facts(&self, installation: InstallationId) -> Result<Option<StoredFacts>, PortError>;
    async fn record_facts(&self, installation: InstallationId, facts: &InstallationFacts, asked_at: Option<OffsetDateTime>) -> Result<(), PortError>;
});
