//! Apps, the authorizations that users give them, tokens and rate limits.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::GithubSim;
use crate::error::SimError;
use crate::model::app::{App, AppCredentials, NewApp};
use crate::model::installation_token::{TokenFormat, TokenLag};
use crate::traffic::rate_limit::RateLimitCaller;

/// Apps.
impl GithubSim {
    /// Registers an App and returns its credentials.
    pub fn create_app(&self, app: NewApp) -> Result<AppCredentials, SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        fixture.model.create_app(app, now)
    }

    /// Returns the credentials of an App.
    pub fn credentials(&self, app_id: u64) -> Result<AppCredentials, SimError> {
        self.fixture().model.require_app(app_id).map(App::credentials)
    }

    /// Sets the permissions that the App requests. Installations keep their granted permissions until
    /// [`accept_permissions`](Self::accept_permissions).
    pub fn set_app_permissions(
        &self,
        app_id: u64,
        permissions: BTreeMap<String, String>,
    ) -> Result<(), SimError> {
        self.fixture().model.set_app_permissions(app_id, permissions)
    }

    /// Sets whether the user declines to authorize Apps. If so, the web flow ends with `error=access_denied`.
    pub fn refuse_authorization(&self, user: &str, refuse: bool) -> Result<(), SimError> {
        self.fixture().model.refuse_authorization(user, refuse)
    }

    /// Revokes the user's authorization of the App, with all codes and user tokens. Installations stay.
    ///
    /// # Errors
    /// If the App or the user does not exist, or the user has not authorized the App.
    pub fn revoke_authorization(&self, app_id: u64, user: &str) -> Result<(), SimError> {
        self.fixture().model.revoke_authorization(app_id, user)
    }
}

/// Tokens and rate limits.
impl GithubSim {
    /// Issues an OAuth code without the web flow.
    pub fn issue_code(&self, app_id: u64, user: &str) -> Result<SecretString, SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        let (app_id, user) = (fixture.model.require_app(app_id)?.id, fixture.model.user_id(user)?);
        Ok(fixture.model.grants.issue_code(app_id, user, None, now))
    }

    /// Returns the number of user tokens that are neither expired nor revoked.
    pub fn live_user_tokens(&self) -> usize {
        let fixture = self.fixture();
        fixture.model.grants.live_tokens(fixture.now())
    }

    /// Revokes all tokens of the installation, as GitHub does with leaked ones, and returns how many were live.
    pub fn revoke_installation_tokens(&self, installation: u64) -> Result<usize, SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        fixture.model.revoke_tokens(installation, now)
    }

    /// Returns the number of installation tokens that are neither expired nor revoked. Those of removed installations do not count.
    pub fn live_installation_tokens(&self) -> usize {
        let fixture = self.fixture();
        fixture.model.live_installation_tokens(fixture.now())
    }

    /// Sets the format of new installation tokens. A request can override it with `X-GitHub-Stateless-S2S-Token`.
    pub fn set_token_format(&self, format: TokenFormat) {
        self.fixture().model.installation_tokens.format = format;
    }

    /// Sets for how long new installation tokens are answered with 401. `None` accepts them at once.
    pub fn set_token_lag(&self, lag: Option<TokenLag>) {
        self.fixture().model.installation_tokens.lag = lag;
    }

    /// Limits a caller to `limit` REST requests in an hour of the simulator's clock. Further requests are answered with 403. `None`, the
    /// default, counts requests without a limit. The count of the current hour is kept.
    ///
    /// # Errors
    /// [`SimError::UnknownApp`], [`SimError::UnknownInstallation`] or [`SimError::UnknownAccount`].
    pub fn set_rate_limit(&self, caller: RateLimitCaller, limit: Option<u32>) -> Result<(), SimError> {
        let mut fixture = self.fixture();
        match caller {
            RateLimitCaller::App(id) => fixture.model.require_app(id).map(drop)?,
            RateLimitCaller::Installation(id) => fixture.model.require_installation(id).map(drop)?,
            RateLimitCaller::User(id) => {
                let unknown = || SimError::UnknownAccount(id.to_string());
                fixture.model.account(id).map(drop).ok_or_else(unknown)?;
            }
        }
        fixture.rate_limits.set(caller, limit);
        Ok(())
    }
}
