//! Installations of Apps, and the requests of members.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use time::OffsetDateTime;

use super::account::AccountKind;

/// The repositories of its account that the installation can access.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum RepositorySelection {
    All,
    /// By repository id.
    Selected(BTreeSet<u64>),
}

impl RepositorySelection {
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Selected(_) => "selected",
        }
    }

    pub(crate) fn covers(&self, repository: u64) -> bool {
        match self {
            Self::All => true,
            Self::Selected(ids) => ids.contains(&repository),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Suspension {
    pub(crate) at: OffsetDateTime,
    /// `None` is the App.
    pub(crate) by: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Installation {
    pub(crate) id: u64,
    pub(crate) app_id: u64,
    pub(crate) account: u64,
    pub(crate) target_kind: AccountKind,
    /// Whether the REST API shows `"account": null`.
    pub(crate) account_hidden: bool,
    pub(crate) selection: RepositorySelection,
    /// The granted permissions. The App may request others by now.
    pub(crate) permissions: BTreeMap<String, String>,
    pub(crate) events: Vec<String>,
    pub(crate) suspension: Option<Suspension>,
    pub(crate) installed_by: u64,
    /// The member who requested it.
    pub(crate) requester: Option<u64>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    /// When it will be removed, if the App removed it and GitHub has not finished.
    pub(crate) removed_at: Option<OffsetDateTime>,
}

/// A member's request to the owners of an organization to install an App.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstallationRequest {
    /// The request's id.
    pub id: u64,
    /// The App's id.
    pub app_id: u64,
    /// The organization's account id.
    pub account_id: u64,
    /// The member's account id.
    pub requester_id: u64,
    #[serde(skip)]
    pub(crate) selection: RepositorySelection,
    #[serde(skip)]
    pub(crate) created_at: OffsetDateTime,
}

#[derive(Debug)]
pub(crate) struct NewInstallation {
    pub(crate) id: Option<u64>,
    pub(crate) app_id: u64,
    pub(crate) account: u64,
    pub(crate) sender: u64,
    pub(crate) requester: Option<u64>,
    pub(crate) selection: RepositorySelection,
}
