//! Why a visit stops, and what the visitor can do instead.

use super::callback::Callback;
use super::redirect::{ACCESS_DENIED, NOT_PERMITTED, SERVER_ERROR, failed};
use super::visit::Visit;
use crate::error::{CallbackRefusal, PortError, WaysOut};
use crate::model::{InstallationId, IssuedState, State};
use crate::service::Dockline;

/// Why a visit stops.
#[derive(Debug)]
pub(in crate::service) enum Stop {
    Refused(CallbackRefusal),
    /// [`CallbackRefusal::SsoRequired`], with GitHub's page to sign in.
    SignOn(String),
    Port(PortError),
}

impl Stop {
    pub(super) const fn refusal(&self) -> Option<CallbackRefusal> {
        match self {
            Self::Refused(reason) => Some(*reason),
            Self::SignOn(_) => Some(CallbackRefusal::SsoRequired),
            Self::Port(_) => None,
        }
    }
}

impl From<CallbackRefusal> for Stop {
    fn from(reason: CallbackRefusal) -> Self {
        Self::Refused(reason)
    }
}

impl From<PortError> for Stop {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

/// The facts that are known when a visit stops.
#[derive(Default)]
pub(super) struct Stopped {
    pub(super) known: Option<(State, IssuedState)>,
    pub(super) installation: Option<InstallationId>,
    just_installed: bool,
}

impl Stopped {
    pub(super) fn visit(&mut self, visit: &Visit<'_>, callback: &Callback<'_>) {
        self.known = Some((visit.state.clone(), visit.issued.clone()));
        self.just_installed = visit.just_installed(callback);
    }
}

impl Dockline {
    pub(super) fn ways_out(&self, stop: &Stop, stopped: &Stopped) -> WaysOut {
        let single_sign_on = match stop {
            Stop::SignOn(url) => Some(url.clone()),
            Stop::Refused(_) | Stop::Port(_) => None,
        };
        let Some((state, issued)) = &stopped.known else { return WaysOut::default() };
        let was_cancelled = issued.answered.is_some_and(|answered| !answered.confirmed);
        let error = match stop {
            Stop::Port(_) | Stop::Refused(CallbackRefusal::MembershipUnavailable) => SERVER_ERROR,
            Stop::Refused(CallbackRefusal::AuthorizationDenied) => ACCESS_DENIED,
            Stop::Refused(CallbackRefusal::RevokedState) if was_cancelled => ACCESS_DENIED,
            Stop::Refused(_) | Stop::SignOn(_) => NOT_PERMITTED,
        };
        let is_open = !issued.revoked
            && issued.claim.is_none()
            && issued.is_live(self.now())
            && self.0.ports.github.registration().has_oauth_client();
        let web_flow = |offered: bool| {
            let query = || Self::web_flow_query(state.expose(), stopped.installation, stopped.just_installed);
            (is_open && offered).then(query)
        };
        let reason = stop.refusal();
        WaysOut {
            return_url: Some(failed(issued, state, error)),
            again: web_flow(reason.is_none_or(CallbackRefusal::may_pass_again)),
            other_account: web_flow(reason.is_some_and(CallbackRefusal::is_about_the_account))
                .map(|query| format!("{query}&prompt=select_account")),
            single_sign_on,
        }
    }
}
