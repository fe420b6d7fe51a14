//! The handle that tests and programs hold.

mod repositories;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde::Serialize;
use time::OffsetDateTime;

use crate::error::SimError;
use crate::fault::FaultRule;
use crate::git::store::GitStore;
use crate::model::account::{AccountKind, Membership, MembershipState, Role};
use crate::model::app::{AppCredentials, NewApp};
use crate::model::change::Actor;
use crate::model::installation::{Installation, InstallationRequest, NewInstallation, Selection};
use crate::model::repository::NewRepository;
use crate::requests::RecordedRequest;
use crate::webhook::Guard;
use crate::world::{Config, Shared, World};

/// A simulated GitHub. A clone is the same GitHub.
///
/// Every change is immediate and also open to other programs, through the [control API](crate#the-control-api).
#[derive(Clone, Debug)]
pub struct GithubSim {
    shared: Arc<Shared>,
}

/// An installation, as the model knows it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstallationSummary {
    /// The installation's id.
    pub id: u64,
    /// The App's id.
    pub app_id: u64,
    /// The account's id, also where the REST API hides the account.
    pub account_id: u64,
    /// The account's present login, or an enterprise's slug.
    pub account_login: String,
    /// The sort of account.
    pub account_kind: AccountKind,
    /// `all` or `selected`.
    pub repository_selection: String,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Who installed it, or approved the request.
    pub installed_by: u64,
    /// Who had asked for it.
    pub requester_id: Option<u64>,
}

impl Default for GithubSim {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl GithubSim {
    /// An empty GitHub.
    pub fn new(config: Config) -> Self {
        Self { shared: Shared::new(config) }
    }

    /// Whatever is changed under this lock, Apps are told.
    pub(crate) fn world(&self) -> Guard<'_> {
        Guard::lock(&self.shared)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn config(&self) -> &Config {
        &self.shared.config
    }

    pub(crate) fn git(&self) -> &GitStore {
        &self.shared.git
    }

    fn create_account(&self, kind: AccountKind, login: &str) -> Result<u64, SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.create_account(kind, login, now)
    }

    /// A person; their account id.
    pub fn create_user(&self, login: &str) -> Result<u64, SimError> {
        self.create_account(AccountKind::User, login)
    }

    /// An organization without members; its account id.
    pub fn create_organization(&self, login: &str) -> Result<u64, SimError> {
        self.create_account(AccountKind::Organization, login)
    }

    /// An enterprise; its id.
    pub fn create_enterprise(&self, slug: &str) -> Result<u64, SimError> {
        self.create_account(AccountKind::Enterprise, slug)
    }

    /// Makes `user` an active member of `organization`, with this role.
    pub fn set_membership(&self, organization: &str, user: &str, role: Role) -> Result<(), SimError> {
        self.set_membership_state(organization, user, role, MembershipState::Active)
    }

    /// Makes `user` a member of `organization`, or invites them.
    pub fn set_membership_state(
        &self,
        organization: &str,
        user: &str,
        role: Role,
        state: MembershipState,
    ) -> Result<(), SimError> {
        self.world().model.set_membership(organization, user, Some(Membership { role, state }))
    }

    /// `user` leaves `organization`; fine if they were no member.
    pub fn remove_membership(&self, organization: &str, user: &str) -> Result<(), SimError> {
        self.world().model.set_membership(organization, user, None)
    }

    /// A repository; its id.
    pub fn add_repository(&self, owner: &str, name: &str, private: bool) -> Result<u64, SimError> {
        self.create_repository(owner, NewRepository::new(name).private(private))
    }

    /// `user` may read something of `owner`'s, without being a member.
    pub fn add_collaborator(&self, owner: &str, user: &str) -> Result<(), SimError> {
        self.world().model.add_collaborator(owner, user)
    }

    /// The account keeps its id, and its old login is free to be taken.
    pub fn rename(&self, login: &str, new_login: &str) -> Result<(), SimError> {
        self.world().model.rename(login, new_login)
    }

    /// Who is signed in where the browser brings no session; none: such a browser gets the sign-in page.
    pub fn default_user(&self, login: Option<&str>) -> Result<(), SimError> {
        self.world().model.set_default_user(login)
    }

    /// Registers an App; its credentials.
    pub fn create_app(&self, app: NewApp) -> Result<AppCredentials, SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.create_app(app, now)
    }

    /// The credentials of an App once more.
    pub fn credentials(&self, app_id: u64) -> Result<AppCredentials, SimError> {
        self.world().model.known_app(app_id).map(crate::model::app::App::credentials)
    }

    /// The App asks for these permissions from now on. Installations keep what was granted, until [`accept_permissions`](Self::accept_permissions).
    pub fn set_app_permissions(
        &self,
        app_id: u64,
        permissions: BTreeMap<String, String>,
    ) -> Result<(), SimError> {
        self.world().model.set_app_permissions(app_id, permissions)
    }

    /// An owner accepts the App's present permissions for the installation.
    pub fn accept_permissions(&self, installation: u64) -> Result<(), SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.accept_permissions(installation, now)
    }

    /// `sender` installs the App on an account, with all its repositories; the installation's id.
    pub fn install(&self, app_id: u64, account: &str, sender: &str) -> Result<u64, SimError> {
        self.install_with(None, app_id, account, sender)
    }

    /// As [`install`](Self::install), with a certain installation id that was never used.
    pub fn install_as(&self, id: u64, app_id: u64, account: &str, sender: &str) -> Result<u64, SimError> {
        self.install_with(Some(id), app_id, account, sender)
    }

    fn install_with(
        &self,
        id: Option<u64>,
        app_id: u64,
        account: &str,
        sender: &str,
    ) -> Result<u64, SimError> {
        let mut world = self.world();
        let now = world.now();
        let model = &mut world.model;
        let (account, sender) = (model.id_of(account)?, model.user_id(sender)?);
        let new = NewInstallation { id, app_id, account, sender, requester: None, selection: Selection::All };
        model.install(new, now)
    }

    /// Who installed it removes the installation: its id answers 404 for ever.
    pub fn uninstall(&self, installation: u64) -> Result<(), SimError> {
        let model = &mut self.world().model;
        let by = model.installation(installation).map(|installation| installation.installed_by);
        let by = by.ok_or(SimError::UnknownInstallation(installation))?;
        model.uninstall(installation, Actor::Person(by))
    }

    /// As [`uninstall`](Self::uninstall), by a certain user.
    pub fn uninstall_by(&self, installation: u64, by: &str) -> Result<(), SimError> {
        let model = &mut self.world().model;
        let by = model.user_id(by)?;
        model.uninstall(installation, Actor::Person(by))
    }

    /// `by`, a user's login, suspends the installation; none: the App itself does. A second suspension keeps the first one's time.
    pub fn suspend(&self, installation: u64, by: Option<&str>) -> Result<(), SimError> {
        let mut world = self.world();
        let now = world.now();
        let by = by.map(|login| world.model.user_id(login)).transpose()?;
        world.model.suspend(installation, by, now)
    }

    /// Who suspended it ends the suspension; fine if there was none.
    pub fn unsuspend(&self, installation: u64) -> Result<(), SimError> {
        let mut world = self.world();
        let now = world.now();
        let suspension = world.model.installation(installation).and_then(|i| i.suspension);
        let by = suspension.and_then(|suspension| suspension.by).map_or(Actor::App, Actor::Person);
        world.model.unsuspend(installation, by, now)
    }

    /// The REST API says `"account": null` for this installation from now on, as its description allows.
    pub fn null_account(&self, installation: u64) -> Result<(), SimError> {
        self.world().model.hide_account(installation)
    }

    /// All installations of all Apps.
    pub fn installations(&self) -> Vec<InstallationSummary> {
        let world = self.world();
        world.model.installations().map(|installation| summary(&world, installation)).collect()
    }

    /// One installation, if it is there.
    pub fn installation(&self, id: u64) -> Option<InstallationSummary> {
        let world = self.world();
        world.model.installation(id).map(|installation| summary(&world, installation))
    }

    /// What members asked for and no owner approved yet.
    pub fn installation_requests(&self) -> Vec<InstallationRequest> {
        self.world().model.installation_requests().cloned().collect()
    }

    /// `owner`, who must administer the account, approves the request; the installation's id.
    pub fn approve_request(&self, request: u64, owner: &str) -> Result<u64, SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.approve(request, owner, now)
    }

    /// An OAuth code as a browser would bring it, without the browser.
    pub fn issue_code(&self, app_id: u64, user: &str) -> Result<SecretString, SimError> {
        let mut world = self.world();
        let now = world.now();
        let (app_id, user) = (world.model.known_app(app_id)?.id, world.model.user_id(user)?);
        world.model.grants.issue_code(app_id, user, now)
    }

    /// A user token, without the OAuth exchange.
    pub fn issue_user_token(&self, app_id: u64, user: &str) -> Result<SecretString, SimError> {
        let mut world = self.world();
        let now = world.now();
        let (app_id, user) = (world.model.known_app(app_id)?.id, world.model.user_id(user)?);
        world.model.grants.issue_tokens(app_id, user, now).map(|pair| pair.access)
    }

    /// How many user tokens are neither expired nor revoked.
    pub fn live_user_tokens(&self) -> usize {
        let world = self.world();
        world.model.grants.live_tokens(world.now())
    }

    /// The simulator's time.
    pub fn now(&self) -> OffsetDateTime {
        self.world().now()
    }

    /// Moves the simulator's clock, forward or back.
    pub fn advance_clock(&self, seconds: i64) {
        self.world().clock.advance(seconds);
    }

    /// The simulator's clock is this many seconds ahead of the machine's, or behind it if negative.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.world().clock.set_offset(seconds);
    }

    /// Adds a rule about requests that go wrong.
    pub fn set_fault(&self, rule: FaultRule) {
        self.world().faults.set(rule);
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        self.world().faults.clear();
    }

    /// What was asked, oldest first: at most the last 10,000, and none of the control API.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world().log.all()
    }

    /// How many of the recorded requests had this method and a path that begins so.
    pub fn count_requests(&self, method: &str, path_prefix: &str) -> usize {
        self.world().log.count(method, path_prefix)
    }

    /// Forgets the recorded requests.
    pub fn clear_requests(&self) {
        self.world().log.clear();
    }
}

fn summary(world: &World, installation: &Installation) -> InstallationSummary {
    let account = world.model.account(installation.account);
    InstallationSummary {
        id: installation.id,
        app_id: installation.app_id,
        account_id: installation.account,
        account_login: account.map(|account| account.login.clone()).unwrap_or_default(),
        account_kind: installation.target_kind,
        repository_selection: installation.selection.as_str().to_owned(),
        suspended: installation.suspension.is_some(),
        installed_by: installation.installed_by,
        requester_id: installation.requester,
    }
}
