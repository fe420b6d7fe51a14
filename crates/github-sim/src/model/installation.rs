//! Installations of Apps on accounts, and the requests that wait for an owner.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use time::OffsetDateTime;

use super::account::AccountKind;

/// Which repositories of the account the installation reaches.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Selection {
    All,
    /// By repository id.
    Selected(BTreeSet<u64>),
}

impl Selection {
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
    /// None: the App itself.
    pub(crate) by: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Installation {
    pub(crate) id: u64,
    pub(crate) app_id: u64,
    pub(crate) account: u64,
    pub(crate) target_kind: AccountKind,
    /// The REST API says `"account": null`.
    pub(crate) account_hidden: bool,
    pub(crate) selection: Selection,
    /// As granted; the App's may have changed since.
    pub(crate) permissions: BTreeMap<String, String>,
    pub(crate) events: Vec<String>,
    pub(crate) suspension: Option<Suspension>,
    pub(crate) installed_by: u64,
    /// Who asked an owner for it.
    pub(crate) requester: Option<u64>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// A member asked the owners of an organization to install an App.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstallationRequest {
    /// The request's own id.
    pub id: u64,
    /// Which App.
    pub app_id: u64,
    /// The id of the account to install it on.
    pub account_id: u64,
    /// The id of the user who asked.
    pub requester_id: u64,
    /// `all`, or the ids of the repositories asked for.
    #[serde(skip)]
    pub(crate) selection: Selection,
    #[serde(skip)]
    pub(crate) created_at: OffsetDateTime,
}

/// A new installation's particulars.
#[derive(Debug)]
pub(crate) struct NewInstallation {
    pub(crate) id: Option<u64>,
    pub(crate) app_id: u64,
    pub(crate) account: u64,
    pub(crate) sender: u64,
    pub(crate) requester: Option<u64>,
    pub(crate) selection: Selection,
}
