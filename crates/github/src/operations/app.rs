//! The App and its installations, with the App's JWT alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dockline::ports::{LookupOutcome, UninstallOutcome};
use dockline::{AppId, Installation, InstallationId};
use tokio::time::Instant;

use crate::error::{GithubError, denied};
use crate::http::{Api, Request, Response};
use crate::identifiers::Slug;
use crate::observer::Operation;
use crate::wire::{AppWire, InstallationWire};

/// How long a response that names our App confirms the credential.
const CONFIRMED_FOR: Duration = Duration::from_secs(60);

/// Calls the API as the App.
#[derive(Clone)]
pub(crate) struct AppClient {
    pub(crate) api: Arc<Api>,
    pub(crate) id: AppId,
    pub(crate) slug: Arc<Slug>,
    /// When `GET /app` last named our App.
    confirmed: Arc<Mutex<Option<Instant>>>,
}

impl AppClient {
    pub(crate) fn new(api: Arc<Api>, id: AppId, slug: Arc<Slug>) -> Self {
        Self { api, id, slug, confirmed: Arc::default() }
    }

    pub(crate) async fn app(&self) -> Result<AppWire, GithubError> {
        let asked = Instant::now();
        let app: AppWire = self.app_response().await?.json()?;
        if app.id == self.id.get() {
            *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
        }
        self.observe_slug(app.id, &app.slug);
        Ok(app)
    }

    fn is_confirmed(&self) -> bool {
        let confirmed = *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        confirmed.is_some_and(|confirmed| confirmed.elapsed() < CONFIRMED_FOR)
    }

    /// Takes over the slug of our App, which its owner can change. The slug of another App, whose key is configured by
    /// mistake, is ignored.
    pub(super) fn observe_slug(&self, app: u64, slug: &str) {
        if app == self.id.get() {
            self.slug.observe(slug);
        }
    }

    pub(super) async fn app_response(&self) -> Result<Response, GithubError> {
        match self.api.as_app(Request::get(Operation::App, "/app")).await {
            Err(GithubError::NotFound { .. }) => Err(GithubError::UnknownApp),
            result => result,
        }
    }

    /// Sends the request. Returns `None` for a 404 of GitHub's own if `GET /app` named our App within the last minute, or
    /// names it now: GitHub returns the same 404 if it does not know the App.
    pub(super) async fn send_or_missing(&self, request: Request) -> Result<Option<Response>, GithubError> {
        match self.api.as_app(request).await {
            Ok(response) => Ok(Some(response)),
            Err(GithubError::NotFound { own: false, .. }) => {
                Err(GithubError::invalid_response("a 404 without the JSON and the headers of GitHub"))
            }
            Err(GithubError::NotFound { .. }) if self.is_confirmed() => Ok(None),
            Err(GithubError::NotFound { .. }) => {
                let reported = self.app().await?.id;
                if reported == self.id.get() {
                    Ok(None)
                } else {
                    Err(GithubError::OtherApp { configured: self.id, reported })
                }
            }
            Err(other) => Err(other),
        }
    }

    pub(crate) async fn look_up(&self, id: InstallationId) -> Result<LookupOutcome, GithubError> {
        let request = Request::get(Operation::Installation, format!("/app/installations/{id}"));
        let response = match self.send_or_missing(request).await {
            Ok(Some(response)) => response,
            Ok(None) => return Ok(LookupOutcome::Missing),
            Err(error) => return denied(id, error).map(LookupOutcome::Denied),
        };
        let installation: Installation = response.json::<InstallationWire>()?.try_into()?;
        if installation.id == id {
            Ok(LookupOutcome::Found(installation))
        } else {
            Err(GithubError::invalid_response("it is about another installation"))
        }
    }

    pub(crate) async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, GithubError> {
        let request = Request::delete(Operation::Uninstall, format!("/app/installations/{id}"));
        let response = match self.send_or_missing(request).await {
            Ok(response) => response,
            Err(error) => return denied(id, error).map(UninstallOutcome::Denied),
        };
        match response {
            // 204 in API version 2022-11-28, 202 in 2026-03-10.
            Some(response) if response.status == 204 => Ok(UninstallOutcome::Removed),
            Some(response) if response.status == 202 => Ok(UninstallOutcome::Accepted),
            Some(response) => {
                Err(GithubError::invalid_response(format!("{} to an uninstall", response.status)))
            }
            None => Ok(UninstallOutcome::Missing),
        }
    }
}
