//! The state of GitHub: accounts, Apps, installations and authorizations. Operations get the time as an argument.

pub(crate) mod account;
pub(crate) mod app;
pub(crate) mod change;
pub(crate) mod grant;
pub(crate) mod hook;
pub(crate) mod installation;
pub(crate) mod installation_token;
mod keys;
mod lifecycle;
pub(crate) mod manifest;
mod membership;
pub(crate) mod push;
pub(crate) mod repository;
mod selection;

use std::collections::{BTreeMap, BTreeSet};

use account::{Account, Membership};
use app::App;
use change::Change;
use grant::Grants;
use installation::{Installation, InstallationRequest};
use installation_token::InstallationTokens;
use manifest::ManifestCodes;

#[derive(Debug, Default)]
pub(crate) struct Model {
    accounts: BTreeMap<u64, Account>,
    /// By organization and user.
    memberships: BTreeMap<(u64, u64), Membership>,
    apps: BTreeMap<u64, App>,
    installations: BTreeMap<u64, Installation>,
    /// Ids of removed installations, which are never reused.
    removed_installations: BTreeSet<u64>,
    requests: BTreeMap<u64, InstallationRequest>,
    pub(crate) grants: Grants,
    pub(crate) installation_tokens: InstallationTokens,
    pub(crate) manifest_codes: ManifestCodes,
    default_user: Option<u64>,
    /// Users who decline to authorize Apps.
    refusing: BTreeSet<u64>,
    /// Changes whose webhook deliveries are not queued yet.
    changes: Vec<Change>,
    issued: IssuedIds,
}

/// How many ids of each kind were issued. Like GitHub's, ids ascend with gaps.
#[derive(Debug, Default)]
struct IssuedIds {
    accounts: u64,
    repositories: u64,
    apps: u64,
    installations: u64,
    requests: u64,
}
