use std::sync::Arc;

use dockline::InstallationToken;
use dockline::ports::{Clock, RateLeft};
use secrecy::SecretString;
use time::OffsetDateTime;

use super::client::HttpClient;
use super::error_mapping::error_of;
use super::rate_limit::{AppBudget, InstallationPauses, Pause};
use super::request::{Credential, Request};
use super::response::Response;
use crate::auth::{Jwt, JwtCache};
use crate::config::GithubAppConfig;
use crate::error::ConfigError;
use crate::github_error::{GithubError, LimitScope};
use crate::host::GithubHost;
use crate::observer::Operation;

/// Calls GitHub with each kind of credential. Responses that are not 2xx become errors, and rate limits become pauses.
pub(crate) struct Api {
    host: GithubHost,
    client: HttpClient,
    jwts: JwtCache,
    clock: Arc<dyn Clock>,
    pause: Pause,
    installation_pauses: InstallationPauses,
    budget: AppBudget,
}

impl Api {
    pub(crate) fn new(config: &GithubAppConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            host: config.host.clone(),
            client: HttpClient::new(config)?,
            jwts: JwtCache::new(config)?,
            clock: Arc::clone(&config.clock),
            pause: Pause::default(),
            installation_pauses: InstallationPauses::default(),
            budget: AppBudget::default(),
        })
    }

    /// Returns the time by our clock.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Converts a time by GitHub's clock to ours, by the offset measured so far.
    pub(crate) fn to_our_clock(&self, github: OffsetDateTime) -> OffsetDateTime {
        github.saturating_sub(time::Duration::seconds(self.jwts.offset()))
    }

    /// Returns the base URL of the API.
    pub(crate) fn base(&self) -> &str {
        self.host.api()
    }

    /// Returns the App's remaining budget by its latest response.
    pub(crate) fn rate_left(&self) -> Option<RateLeft> {
        self.budget.left()
    }

    /// Calls the API as the App. If GitHub rejects the JWT and its clock differs from ours, retries once with corrected
    /// dates, and keeps the correction if GitHub accepts it.
    pub(crate) async fn as_app(&self, request: Request) -> Result<Response, GithubError> {
        let jwt = self.jwts.jwt(self.now()).await?;
        let first = self.with_jwt(request.clone(), &jwt).await;
        let Err(GithubError::CredentialRejected { date, .. }) = &first else {
            return first;
        };
        let now = self.now();
        let Some(offset) = jwt.skew(*date, now) else {
            return first;
        };
        let jwt = self.jwts.corrected(now, offset).await?;
        let second = self.with_jwt(request, &jwt).await;
        match &second {
            Err(GithubError::CredentialRejected { message, .. }) => Err(GithubError::ClockSkew {
                seconds: offset.unsigned_abs(),
                behind: offset > 0,
                message: message.clone(),
            }),
            Ok(_)
            | Err(
                GithubError::NotFound { .. }
                | GithubError::PermissionMissing { .. }
                | GithubError::Suspended
                | GithubError::Unprocessable { .. },
            ) => {
                if self.jwts.adopt(jwt) {
                    let (seconds, direction) =
                        (offset.unsigned_abs(), if offset > 0 { "behind" } else { "ahead of" });
                    tracing::warn!(
                        seconds,
                        "our clock is {direction} GitHub's; JWTs now use GitHub's time: set the clock"
                    );
                }
                second
            }
            // These errors say nothing about the JWT.
            Err(_) => second,
        }
    }

    async fn with_jwt(&self, request: Request, jwt: &Jwt) -> Result<Response, GithubError> {
        self.check_pause()?;
        let response = self.client.send(self.base(), request, Credential::Bearer(jwt.text())).await?;
        self.budget.update(&response);
        self.checked(response)
    }

    /// Calls the API as an installation. If its hourly budget is used up, only this installation pauses.
    pub(crate) async fn as_installation(
        &self,
        request: Request,
        token: &InstallationToken,
    ) -> Result<Response, GithubError> {
        self.check_pause()?;
        if let Some(wait) = self.installation_pauses.remaining(token.installation(), self.now()) {
            return Err(GithubError::Paused { wait });
        }
        self.send_as_installation(request, token).await
    }

    /// Revokes an installation token, also during a pause: a live token that is not needed is worse than an early call.
    pub(crate) async fn revoke_installation_token(
        &self,
        token: &InstallationToken,
    ) -> Result<Response, GithubError> {
        self.send_as_installation(Request::delete(Operation::RevokeToken, "/installation/token"), token).await
    }

    async fn send_as_installation(
        &self,
        request: Request,
        token: &InstallationToken,
    ) -> Result<Response, GithubError> {
        let response = self.client.send(self.base(), request, Credential::Installation(token)).await?;
        if let Some(GithubError::RateLimited { scope: LimitScope::Credential, wait, .. }) =
            error_of(&response)
        {
            self.installation_pauses.start(token.installation(), self.now(), wait);
        }
        self.checked_alone(response)
    }

    /// Calls the API as a visitor.
    ///
    /// A visitor's used-up hourly budget pauses no other call: visitors share it with everything else that they do, so any
    /// of them could stop the product for an hour. Their token is revoked right away and not used again.
    pub(crate) async fn as_visitor(
        &self,
        operation: Operation,
        path: &str,
        token: &SecretString,
    ) -> Result<Response, GithubError> {
        self.check_pause()?;
        let request = Request::get(operation, path);
        let response = self.client.send(self.base(), request, Credential::Bearer(token)).await?;
        match self.checked_alone(response) {
            Err(GithubError::CredentialRejected { .. }) => Err(GithubError::VisitorTokenRejected),
            result => result,
        }
    }

    /// Exchanges a visitor's code for a token, at the web host.
    pub(crate) async fn exchange_code(&self, form: String) -> Result<Response, GithubError> {
        self.check_pause()?;
        let request = Request::post_form(Operation::ExchangeCode, "/login/oauth/access_token", form);
        self.checked(self.client.send(self.host.web(), request, Credential::InForm).await?)
    }

    /// Revokes a visitor's token, also during a pause, for the same reason as an installation token.
    pub(crate) async fn revoke_visitor_token(
        &self,
        client: (&str, &SecretString),
        json: String,
    ) -> Result<Response, GithubError> {
        let path = format!("/applications/{}/token", client.0);
        let request = Request::delete_json(Operation::RevokeVisitorToken, path, json);
        self.checked(self.client.send(self.base(), request, Credential::Basic(client.0, client.1)).await?)
    }

    fn check_pause(&self) -> Result<(), GithubError> {
        self.pause.remaining(self.now()).map_or(Ok(()), |wait| Err(GithubError::Paused { wait }))
    }

    /// Returns the error of a response that is not 2xx. A rate limit of any kind pauses all calls.
    fn checked(&self, response: Response) -> Result<Response, GithubError> {
        let Some(error) = error_of(&response) else { return Ok(response) };
        if let GithubError::RateLimited { wait, .. } = error {
            self.pause.start(self.now(), wait);
        }
        Err(error)
    }

    /// Like [`Self::checked`], but a used-up hourly budget pauses no other credential.
    fn checked_alone(&self, response: Response) -> Result<Response, GithubError> {
        match error_of(&response) {
            Some(error @ GithubError::RateLimited { scope: LimitScope::Credential, .. }) => Err(error),
            _ => self.checked(response),
        }
    }
}
