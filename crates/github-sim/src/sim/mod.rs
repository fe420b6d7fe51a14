//! The public handle of a simulator: its accounts, clock, faults and request log.

mod apps;
mod installations;
mod repositories;
mod webhooks;

use std::sync::Arc;

use time::OffsetDateTime;

use crate::config::Config;
use crate::error::SimError;
use crate::fixture::{FixtureGuard, Shared};
use crate::git::store::GitStore;
use crate::model::account::{AccountKind, Membership, MembershipState, Role};
use crate::traffic::fault::FaultRule;
use crate::traffic::request_log::RecordedRequest;

pub use installations::InstallationSummary;

/// A simulated GitHub. Clones share one state.
///
/// Changes take effect at once. The control API offers the same operations over HTTP.
#[derive(Clone, Debug)]
pub struct GithubSim {
    shared: Arc<Shared>,
}

impl Default for GithubSim {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl GithubSim {
    /// Creates a simulator without accounts.
    pub fn new(config: Config) -> Self {
        Self { shared: Shared::new(config) }
    }

    /// Locks the state. Dropping the guard queues the webhook deliveries of all changes.
    pub(crate) fn fixture(&self) -> FixtureGuard<'_> {
        self.shared.lock()
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
}

/// Accounts.
impl GithubSim {
    fn create_account(&self, kind: AccountKind, login: &str) -> Result<u64, SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        fixture.model.create_account(kind, login, now)
    }

    /// Creates a user and returns its account id.
    pub fn create_user(&self, login: &str) -> Result<u64, SimError> {
        self.create_account(AccountKind::User, login)
    }

    /// Creates an organization without members and returns its account id.
    pub fn create_organization(&self, login: &str) -> Result<u64, SimError> {
        self.create_account(AccountKind::Organization, login)
    }

    /// Creates an enterprise and returns its id.
    pub fn create_enterprise(&self, slug: &str) -> Result<u64, SimError> {
        self.create_account(AccountKind::Enterprise, slug)
    }

    /// Makes `user` an active member of `organization` with this role.
    pub fn set_membership(&self, organization: &str, user: &str, role: Role) -> Result<(), SimError> {
        self.set_membership_state(organization, user, role, MembershipState::Active)
    }

    /// Makes `user` an active or an invited member of `organization` with this role.
    pub fn set_membership_state(
        &self,
        organization: &str,
        user: &str,
        role: Role,
        state: MembershipState,
    ) -> Result<(), SimError> {
        self.fixture().model.set_membership(organization, user, Some(Membership { role, state }))
    }

    /// Removes `user` from `organization`. Does nothing if they are not a member.
    pub fn remove_membership(&self, organization: &str, user: &str) -> Result<(), SimError> {
        self.fixture().model.set_membership(organization, user, None)
    }

    /// Gives `user` read access to something of `owner` without a membership.
    pub fn add_collaborator(&self, owner: &str, user: &str) -> Result<(), SimError> {
        self.fixture().model.add_collaborator(owner, user)
    }

    /// Renames an account. It keeps its id, and other accounts can take the old login.
    pub fn rename(&self, login: &str, new_login: &str) -> Result<(), SimError> {
        self.fixture().model.rename(login, new_login)
    }

    /// Sets the user of browsers without a session. With `None` they get the sign-in page.
    pub fn default_user(&self, login: Option<&str>) -> Result<(), SimError> {
        self.fixture().model.set_default_user(login)
    }
}

/// Clock, faults and the request log.
impl GithubSim {
    /// Returns the simulator's time.
    pub fn now(&self) -> OffsetDateTime {
        self.fixture().now()
    }

    /// Moves the simulator's clock forward, or back if `seconds` is negative.
    pub fn advance_clock(&self, seconds: i64) {
        self.fixture().clock.advance(seconds);
    }

    /// Sets the difference between the simulator's clock and the system clock.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.fixture().clock.set_offset(seconds);
    }

    /// Adds a fault rule and returns its id.
    #[expect(clippy::must_use_candidate, reason = "most tests remove all rules at once")]
    pub fn set_fault(&self, rule: FaultRule) -> u64 {
        self.fixture().faults.add(rule)
    }

    /// Removes a fault rule.
    ///
    /// # Errors
    /// [`SimError::UnknownFault`].
    pub fn remove_fault(&self, id: u64) -> Result<(), SimError> {
        if self.fixture().faults.remove(id) { Ok(()) } else { Err(SimError::UnknownFault(id)) }
    }

    /// Removes all fault rules.
    pub fn clear_faults(&self) {
        self.fixture().faults.clear();
    }

    /// Returns the last 10,000 requests, oldest first, without those to the control API.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.fixture().log.all()
    }

    /// Returns how many recorded requests have this method and a path with this prefix.
    pub fn count_requests(&self, method: &str, path_prefix: &str) -> usize {
        self.fixture().log.count(method, path_prefix)
    }

    /// Clears the request log.
    pub fn clear_requests(&self) {
        self.fixture().log.clear();
    }
}
