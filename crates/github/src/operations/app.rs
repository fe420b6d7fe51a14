//! The App and its installations, with the App's JWT alone.

use std::sync::Arc;

use dockline::ports::{LookupOutcome, UninstallOutcome};
use dockline::{AppId, Installation, InstallationId};

use crate::github_error::{GithubError, denied};
use crate::http::{Api, Request, Response};
use crate::observer::Operation;
use crate::slug::Slug;
use crate::wire::{AppWire, InstallationWire};

/// Calls the API as the App.
#[derive(Clone)]
pub(crate) struct AppClient {
    pub(crate) api: Arc<Api>,
    pub(crate) id: AppId,
    pub(crate) slug: Arc<Slug>,
}

impl AppClient {
    pub(crate) async fn app(&self) -> Result<AppWire, GithubError> {
        let app: AppWire = self.app_response().await?.json()?;
        self.observe_slug(app.id, &app.slug);
        Ok(app)
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

    /// Sends the request. Returns `None` for a 404 if `GET /app` then shows that the credential is still our App's: GitHub
    /// returns the same 404 if it does not know the App.
    pub(super) async fn send_or_missing(&self, request: Request) -> Result<Option<Response>, GithubError> {
        match self.api.as_app(request).await {
            Ok(response) => Ok(Some(response)),
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
            Some(response) if matches!(response.status, 202 | 204) => Ok(UninstallOutcome::Removed),
            Some(response) => {
                Err(GithubError::invalid_response(format!("{} to an uninstall", response.status)))
            }
            None => Ok(UninstallOutcome::AlreadyGone),
        }
    }
}
