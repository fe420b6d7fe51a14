use std::sync::Arc;
use std::time::Instant;

use dockline::InstallationToken;
use dockline::ports::{Clock, RateLeft};
use secrecy::SecretString;
use time::OffsetDateTime;

use super::client::HttpClient;
use super::error_mapping::error_of;
use super::rate_limit::{AppBudget, PauseKey, Pauses};
use super::request::{Credential, Request};
use super::response::Response;
use crate::auth::{Jwt, JwtCache};
use crate::config::GithubAppConfig;
use crate::error::{ConfigError, Denial, GithubError};
use crate::host::GithubHost;
use crate::observer::Operation;

/// Calls GitHub with each kind of credential. Responses that are not 2xx become errors, and rate limits become pauses.
pub(crate) struct Api {
    host: GithubHost,
    client: HttpClient,
    jwts: JwtCache,
    clock: Arc<dyn Clock>,
    pauses: Pauses,
    budget: AppBudget,
}

impl Api {
    pub(crate) fn new(config: &GithubAppConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            host: config.host.clone(),
            client: HttpClient::new(config)?,
            jwts: JwtCache::new(config)?,
            clock: Arc::clone(&config.clock),
            pauses: Pauses::default(),
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
                | GithubError::Denied { .. }
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
        self.check_pause(PauseKey::App)?;
        let response = self.client.send(self.base(), request, Credential::Bearer(jwt.text())).await?;
        self.budget.update(&response);
        self.checked(response, PauseKey::App)
    }

    /// Calls the API as an installation. Whatever GitHub limits, only this installation pauses.
    pub(crate) async fn as_installation(
        &self,
        request: Request,
        token: &InstallationToken,
    ) -> Result<Response, GithubError> {
        self.check_pause(PauseKey::Installation(token.installation()))?;
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
        self.checked(response, PauseKey::Installation(token.installation()))
    }

    /// Calls the API as a visitor.
    ///
    /// A visitor's limit pauses no other call: visitors share it with everything else that they do, so any of them could
    /// stop the product for an hour. Their token is revoked right away and not used again.
    pub(crate) async fn as_visitor(
        &self,
        operation: Operation,
        path: &str,
        token: &SecretString,
    ) -> Result<Response, GithubError> {
        let request = Request::get(operation, path);
        let response = self.client.send(self.base(), request, Credential::Bearer(token)).await?;
        match error_of(&response) {
            None => Ok(response),
            Some(GithubError::CredentialRejected { .. }) => Err(GithubError::VisitorTokenRejected),
            Some(error) => Err(self.with_own_page(error)),
        }
    }

    /// Removes a page to sign in that is not on the App's web host, since visitors are shown the link.
    fn with_own_page(&self, mut error: GithubError) -> GithubError {
        if let GithubError::Denied { denial: Denial::SsoRequired { url }, .. } = &mut error {
            url.take_if(|url| !self.host.has_page(url));
        }
        error
    }

    /// Exchanges a visitor's code for a token, at the web host.
    pub(crate) async fn exchange_code(&self, form: String) -> Result<Response, GithubError> {
        self.check_pause(PauseKey::OauthClient)?;
        let request = Request::post_form(Operation::ExchangeCode, "/login/oauth/access_token", form);
        let response = self.client.send(self.host.web(), request, Credential::InForm).await?;
        self.checked(response, PauseKey::OauthClient)
    }

    /// Revokes a visitor's token, also during a pause, for the same reason as an installation token. A limit of this call
    /// pauses no other: it belongs to another host than the exchange.
    pub(crate) async fn revoke_visitor_token(
        &self,
        client: (&str, &SecretString),
        json: String,
    ) -> Result<Response, GithubError> {
        let path = format!("/applications/{}/token", client.0);
        let request = Request::delete_json(Operation::RevokeVisitorToken, path, json);
        let response = self.client.send(self.base(), request, Credential::Basic(client.0, client.1)).await?;
        error_of(&response).map_or(Ok(response), Err)
    }

    fn check_pause(&self, key: PauseKey) -> Result<(), GithubError> {
        self.pauses.remaining(key, Instant::now()).map_or(Ok(()), |wait| Err(GithubError::Paused { wait }))
    }

    /// Returns the error of a response that is not 2xx. A rate limit pauses the calls with this credential.
    fn checked(&self, response: Response, key: PauseKey) -> Result<Response, GithubError> {
        let Some(error) = error_of(&response) else { return Ok(response) };
        if let GithubError::RateLimited { wait, .. } = error {
            self.pauses.start(key, Instant::now(), wait);
        }
        Err(error)
    }
}
