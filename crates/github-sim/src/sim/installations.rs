//! Installations and installation requests.

use serde::Serialize;

use super::GithubSim;
use crate::error::SimError;
use crate::model::Model;
use crate::model::account::AccountKind;
use crate::model::change::Sender;
use crate::model::installation::{Installation, InstallationRequest, NewInstallation, RepositorySelection};

/// An installation, with what the REST API may hide.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstallationSummary {
    /// The installation's id.
    pub id: u64,
    /// The App's id.
    pub app_id: u64,
    /// The account's id, also if the REST API shows `"account": null`.
    pub account_id: u64,
    /// The account's current login, or the slug of an enterprise.
    pub account_login: String,
    /// The kind of account.
    pub account_kind: AccountKind,
    /// `all` or `selected`.
    pub repository_selection: String,
    /// Whether it is suspended.
    pub suspended: bool,
    /// The id of the user who installed it or approved the request.
    pub installed_by: u64,
    /// The id of the user who requested it.
    pub requester_id: Option<u64>,
}

impl InstallationSummary {
    fn of(model: &Model, installation: &Installation) -> Self {
        let account = model.account(installation.account);
        Self {
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
}

impl GithubSim {
    /// Installs the App on all repositories of an account, as the user `sender`, and returns the installation's id.
    pub fn install(&self, app_id: u64, account: &str, sender: &str) -> Result<u64, SimError> {
        self.install_with_id(None, app_id, account, sender)
    }

    /// As [`install`](Self::install), with this installation id. It must not have been used before.
    pub fn install_as(&self, id: u64, app_id: u64, account: &str, sender: &str) -> Result<u64, SimError> {
        self.install_with_id(Some(id), app_id, account, sender)
    }

    fn install_with_id(
        &self,
        id: Option<u64>,
        app_id: u64,
        account: &str,
        sender: &str,
    ) -> Result<u64, SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        let model = &mut fixture.model;
        let (account, sender) = (model.id_of(account)?, model.user_id(sender)?);
        let selection = RepositorySelection::All;
        model.install(NewInstallation { id, app_id, account, sender, requester: None, selection }, now)
    }

    /// Removes the installation, as the user who installed it. Its id is answered with 404 from now on.
    pub fn uninstall(&self, installation: u64) -> Result<(), SimError> {
        let model = &mut self.fixture().model;
        let sender = Sender::User(model.require_installation(installation)?.installed_by);
        model.uninstall(installation, sender)
    }

    /// Suspends the installation, as the user `by`, or as the App if `by` is `None`. Suspending it again keeps the first time.
    pub fn suspend(&self, installation: u64, by: Option<&str>) -> Result<(), SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        let by = by.map(|login| fixture.model.user_id(login)).transpose()?;
        fixture.model.suspend(installation, by, now)
    }

    /// Ends the suspension, as the one who suspended it. Does nothing if it is not suspended.
    pub fn unsuspend(&self, installation: u64) -> Result<(), SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        let suspension = fixture.model.require_installation(installation)?.suspension;
        let sender = suspension.and_then(|suspension| suspension.by).map_or(Sender::App, Sender::User);
        fixture.model.unsuspend(installation, sender, now)
    }

    /// Accepts the App's requested permissions for the installation, as an owner of its account.
    pub fn accept_permissions(&self, installation: u64) -> Result<(), SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        fixture.model.accept_permissions(installation, now)
    }

    /// Makes the REST API show `"account": null` for this installation, which GitHub's API description allows.
    pub fn null_account(&self, installation: u64) -> Result<(), SimError> {
        self.fixture().model.hide_account(installation)
    }

    /// Returns the installations of all Apps.
    pub fn installations(&self) -> Vec<InstallationSummary> {
        let model = &self.fixture().model;
        model.installations().map(|installation| InstallationSummary::of(model, installation)).collect()
    }

    /// Returns an installation, or `None` if it does not exist.
    pub fn installation(&self, id: u64) -> Option<InstallationSummary> {
        let model = &self.fixture().model;
        model.installation(id).map(|installation| InstallationSummary::of(model, installation))
    }

    /// Returns the pending installation requests of members.
    pub fn installation_requests(&self) -> Vec<InstallationRequest> {
        self.fixture().model.installation_requests().cloned().collect()
    }

    /// Approves an installation request as `owner`, who must administer the account, and returns the installation's id.
    pub fn approve_request(&self, request: u64, owner: &str) -> Result<u64, SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        fixture.model.approve(request, owner, now)
    }
}
