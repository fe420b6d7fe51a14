//! What GitHub knows: accounts, Apps, installations, grants. Pure state; every operation is told the time.

pub(crate) mod account;
pub(crate) mod app;
mod authorization;
pub(crate) mod change;
pub(crate) mod grant;
pub(crate) mod hook;
pub(crate) mod hook_change;
pub(crate) mod installation;
pub(crate) mod installation_token;
mod installing;
mod reach;
mod renaming;
mod repositories;
pub(crate) mod repository;

use std::collections::{BTreeMap, BTreeSet};

use account::{Account, Membership};
use app::App;
use change::Change;
use grant::Grants;
use installation::{Installation, InstallationRequest};
use installation_token::InstallationTokens;

#[derive(Debug, Default)]
pub(crate) struct Model {
    accounts: BTreeMap<u64, Account>,
    /// By organization and user.
    memberships: BTreeMap<(u64, u64), Membership>,
    apps: BTreeMap<u64, App>,
    installations: BTreeMap<u64, Installation>,
    /// Ids of installations that were removed: never given again.
    retired: BTreeSet<u64>,
    requests: BTreeMap<u64, InstallationRequest>,
    pub(crate) grants: Grants,
    pub(crate) installation_tokens: InstallationTokens,
    default_user: Option<u64>,
    /// Users who refuse every authorization.
    refusing: BTreeSet<u64>,
    /// What nobody was told yet.
    changes: Vec<Change>,
    given: Given,
}

/// How many ids of each sort were given. GitHub's ids grow, with gaps.
#[derive(Debug, Default)]
struct Given {
    accounts: u64,
    repositories: u64,
    apps: u64,
    installations: u64,
    requests: u64,
}
