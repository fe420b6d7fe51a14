//! A visitor whom GitHub sent without an installation, such as one who returns to an App that is installed already.

use super::callback::{Callback, CallbackOutcome};
use super::redirect::{ACCESS_DENIED, failed};
use super::visit::{Visit, unknown};
use super::ways_out::Stop;
use crate::error::WaysOut;
use crate::model::{Account, Installation, InstalledOn, OrganizationId, OrganizationName, UnknownReason};
use crate::service::Dockline;

/// The content of the page on which a visitor chooses an installation.
#[derive(Debug)]
pub struct InstallationChoice {
    /// The id of the organization that an installation would be connected to.
    pub organization: OrganizationId,
    /// The display name of that organization.
    pub organization_name: OrganizationName,
    /// The installations that the visitor sees, bound or not: at most a hundred, and none if there is none.
    pub options: Vec<InstallationOption>,
    /// GitHub's page that installs the App on another account, with the state.
    pub install_url: String,
    /// The links to other ways.
    pub ways_out: WaysOut,
}

/// An installation that a visitor can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationOption {
    /// The account that it is on.
    pub account: Account,
    /// The query of the callback, for a link that chooses it.
    pub query: String,
}

impl Dockline {
    /// Selects the only installation, or asks the visitor to choose.
    pub(super) fn choose(
        &self,
        visit: &Visit<'_>,
        callback: &Callback<'_>,
        installations: &[Installation],
        hidden: Option<&UnknownReason>,
    ) -> Result<CallbackOutcome, Stop> {
        let just_installed = visit.just_installed(callback);
        let state = visit.state.expose();
        match (installations, hidden) {
            ([], Some(reason)) => return Err(unknown(reason)),
            ([only], None) => {
                return self.authorize(visit, callback, Some(only.id)).map(CallbackOutcome::Authorize);
            }
            _ => {}
        }
        let options = installations.iter().filter_map(|installation| match &installation.installed_on {
            InstalledOn::Account(account) => Some(InstallationOption {
                account: account.clone(),
                query: Self::web_flow_query(state, Some(installation.id), just_installed),
            }),
            InstalledOn::Enterprise { .. } | InstalledOn::Unknown => None,
        });
        let again = Self::web_flow_query(state, None, just_installed);
        let single_sign_on =
            if let Some(UnknownReason::SsoRequired { url }) = hidden { url.clone() } else { None };
        Ok(CallbackOutcome::Choose(Box::new(InstallationChoice {
            organization: visit.issued.organization.clone(),
            organization_name: visit.issued.organization_name.clone(),
            options: options.collect(),
            install_url: format!("{}?state={state}", self.0.ports.github.registration().install_page),
            ways_out: WaysOut {
                return_url: Some(failed(&visit.issued, &visit.state, ACCESS_DENIED)),
                other_account: Some(format!("{again}&prompt=select_account")),
                again: Some(again),
                single_sign_on,
            },
        })))
    }
}
