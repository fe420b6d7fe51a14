//! Our App, as GitHub knows it, and its installations.

use std::sync::Arc;

use dockline::ports::{LookupOutcome, UninstallOutcome};
use dockline::{AppId, Installation, InstallationId};

use crate::answer::Answer;
use crate::api::{Api, Ask};
use crate::fault::GithubFault;
use crate::observer::Operation;
use crate::wire::{AppWire, InstallationWire};

/// What can be asked with the App's JWT alone.
#[derive(Clone)]
pub(crate) struct OurApp {
    pub(crate) api: Arc<Api>,
    pub(crate) id: AppId,
}

impl OurApp {
    pub(crate) async fn me(&self) -> Result<AppWire, GithubFault> {
        self.whole().await?.json()
    }

    /// All that GitHub says of our App.
    pub(crate) async fn whole(&self) -> Result<Answer, GithubFault> {
        match self.api.as_app(Ask::get(Operation::App, "/app")).await {
            Err(GithubFault::NotFound { .. }) => Err(GithubFault::UnknownApp),
            answer => answer,
        }
    }

    /// Shows that a 404 was about its object: GitHub answers the same where it does not know our App (lesson L-55).
    pub(crate) async fn confirm_credential(&self) -> Result<(), GithubFault> {
        let told = self.me().await?.id;
        if told == self.id.get() {
            Ok(())
        } else {
            Err(GithubFault::AnotherApp { configured: self.id, told })
        }
    }

    pub(crate) async fn look_up(&self, id: InstallationId) -> Result<LookupOutcome, GithubFault> {
        let answer = match self
            .api
            .as_app(Ask::get(Operation::Installation, &format!("/app/installations/{id}")))
            .await
        {
            Ok(answer) => answer,
            Err(GithubFault::NotFound { .. }) => {
                self.confirm_credential().await?;
                return Ok(LookupOutcome::Missing);
            }
            Err(other) => return Err(other),
        };
        let installation: Installation = answer.json::<InstallationWire>()?.try_into()?;
        if installation.id == id {
            Ok(LookupOutcome::Found(installation))
        } else {
            // L-64: what is bound is what was asked for, or nothing.
            Err(GithubFault::not_githubs("another installation than the one asked for"))
        }
    }

    pub(crate) async fn remove(&self, id: InstallationId) -> Result<UninstallOutcome, GithubFault> {
        match self.api.as_app(Ask::delete(Operation::Uninstall, &format!("/app/installations/{id}"))).await {
            // 204 in version 2022-11-28 of the API, 202 in 2026-03-10.
            Ok(answer) if matches!(answer.status, 202 | 204) => Ok(UninstallOutcome::Removed),
            Ok(answer) => Err(GithubFault::not_githubs(format!("{} to an uninstall", answer.status))),
            Err(GithubFault::NotFound { .. }) => {
                self.confirm_credential().await?;
                Ok(UninstallOutcome::AlreadyGone)
            }
            Err(other) => Err(other),
        }
    }
}
