use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use dockline::ports::{AppFacts, AppRegistration, GithubGateway, Lookup, Proving, Removal};
use dockline::{AuthorizationCode, Installation, InstallationId, PortError};
use reqwest::Method;
use tracing::Instrument;

use crate::api::Api;
use crate::config::GithubAppConfig;
use crate::error::ConfigError;
use crate::fault::GithubFault;
use crate::prove::Prover;
use crate::wire::{AppWire, InstallationWire};

/// A GitHub App, as which Dockline talks to GitHub: the adapter of the core's port [`GithubGateway`].
///
/// Cheap to clone; clones share connections, the JWT, and the pauses that GitHub asks for. Two of different
/// configurations share nothing (lesson L-37). Its futures need a tokio runtime with time and I/O enabled.
#[derive(Clone)]
pub struct GithubApp {
    registration: AppRegistration,
    api: Arc<Api>,
    prover: Option<Arc<Prover>>,
}

impl GithubApp {
    /// Checks the configuration and parses the private key; asks nobody. Whether GitHub accepts it all is what
    /// [`GithubGateway::app`] tells.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to mend.
    pub fn new(config: GithubAppConfig) -> Result<Self, ConfigError> {
        let config = config.checked()?;
        let api = Arc::new(Api::new(&config)?);
        let registration = AppRegistration {
            app: config.app,
            install_page: config.host.install_page(&config.slug),
            has_oauth_client: config.oauth.is_some(),
        };
        let prover = config.oauth.map(|(client_id, client_secret)| {
            Arc::new(Prover {
                api: Arc::clone(&api),
                app: config.app,
                client_id,
                client_secret,
                budget: config.timeout.saturating_mul(3),
                warned: AtomicBool::new(false),
            })
        });
        Ok(Self { registration, api, prover })
    }

    /// Shows that a 404 was about its object: GitHub answers the same where it does not know our App (lesson L-55).
    async fn confirm_credential(&self) -> Result<(), GithubFault> {
        let told = self.me().await?.id;
        if told == self.registration.app.get() {
            Ok(())
        } else {
            Err(GithubFault::AnotherApp { configured: self.registration.app, told })
        }
    }

    async fn me(&self) -> Result<AppWire, GithubFault> {
        match self.api.as_app(Method::GET, "/app").await {
            Ok(answer) => answer.json(),
            Err(GithubFault::NotFound { .. }) => Err(GithubFault::UnknownApp),
            Err(other) => Err(other),
        }
    }

    async fn look_up(&self, id: InstallationId) -> Result<Lookup, GithubFault> {
        let answer = match self.api.as_app(Method::GET, &format!("/app/installations/{id}")).await {
            Ok(answer) => answer,
            Err(GithubFault::NotFound { .. }) => {
                self.confirm_credential().await?;
                return Ok(Lookup::Missing);
            }
            Err(other) => return Err(other),
        };
        let installation: Installation = answer.json::<InstallationWire>()?.try_into()?;
        if installation.id == id {
            Ok(Lookup::Found(installation))
        } else {
            // L-64: what is bound is what was asked for, or nothing.
            Err(GithubFault::not_githubs("another installation than the one asked for"))
        }
    }

    async fn remove(&self, id: InstallationId) -> Result<Removal, GithubFault> {
        match self.api.as_app(Method::DELETE, &format!("/app/installations/{id}")).await {
            // 204 in version 2022-11-28 of the API, 202 in 2026-03-10.
            Ok(answer) if matches!(answer.status, 202 | 204) => Ok(Removal::Removed),
            Ok(answer) => Err(GithubFault::not_githubs(format!("{} to an uninstall", answer.status))),
            Err(GithubFault::NotFound { .. }) => {
                self.confirm_credential().await?;
                Ok(Removal::AlreadyGone)
            }
            Err(other) => Err(other),
        }
    }
}

#[async_trait]
impl GithubGateway for GithubApp {
    fn registration(&self) -> AppRegistration {
        self.registration.clone()
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        Ok(self.me().await?.try_into()?)
    }

    async fn installation(&self, id: InstallationId) -> Result<Lookup, PortError> {
        Ok(self.look_up(id).await?)
    }

    async fn prove(
        &self,
        code: &AuthorizationCode,
        installation: InstallationId,
    ) -> Result<Proving, PortError> {
        let prover = Arc::clone(self.prover.as_ref().ok_or(GithubFault::NoOauthClient)?);
        let code = code.clone();
        // The exchange, too, is in the task: cut between GitHub's answer and ours, it would leave a token behind.
        let proof = async move { prover.prove(&code, installation).await }.in_current_span();
        Ok(tokio::spawn(proof).await.map_err(|_| GithubFault::TaskEnded)??)
    }

    async fn uninstall(&self, id: InstallationId) -> Result<Removal, PortError> {
        Ok(self.remove(id).await?)
    }
}

impl fmt::Debug for GithubApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GithubApp").field("registration", &self.registration).finish_non_exhaustive()
    }
}
