use crate::model::{InstallationId, IssuedState, SetupAction, State};
use crate::rules::return_url;

/// A redirect to the stored return URL, with query parameters for the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnRedirect {
    /// The URL, which contains the state.
    pub url: String,
    /// The result of the visit.
    pub result: InstallResult,
}

/// The result of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstallResult {
    /// The visitor installed the App or chose an existing installation; the product can register it.
    Connected(InstallationId),
    /// The visitor requested the installation from the account's owners; there is no installation yet.
    Requested,
    /// The visitor pressed Cancel, and the state is revoked.
    Denied,
}

impl ReturnRedirect {
    fn to(issued: &IssuedState, result: InstallResult, parameters: &[(&str, &str)]) -> Self {
        Self { url: return_url::with_parameters(&issued.return_url, parameters), result }
    }

    pub(super) fn connected(
        issued: &IssuedState,
        state: &State,
        installation: InstallationId,
        setup_action: SetupAction,
    ) -> Self {
        let id = installation.to_string();
        let parameters = [
            ("installation_id", id.as_str()),
            ("state", state.expose()),
            ("setup_action", setup_action.as_str()),
        ];
        Self::to(issued, InstallResult::Connected(installation), &parameters)
    }

    pub(super) fn denied(issued: &IssuedState, state: &State) -> Self {
        Self { url: failed(issued, state, ACCESS_DENIED), result: InstallResult::Denied }
    }

    pub(super) fn requested(issued: &IssuedState, state: &State) -> Self {
        let parameters = [("state", state.expose()), ("setup_action", SetupAction::Request.as_str())];
        Self::to(issued, InstallResult::Requested, &parameters)
    }
}

/// `error` if the visitor decided not to connect.
pub(super) const ACCESS_DENIED: &str = "access_denied";

/// `error` if the visitor's proof is too weak, or the state cannot be used.
pub(super) const NOT_PERMITTED: &str = "not_permitted";

/// `error` if GitHub or a store failed.
pub(super) const SERVER_ERROR: &str = "server_error";

/// Returns the stored return URL with an error.
pub(super) fn failed(issued: &IssuedState, state: &State, error: &str) -> String {
    return_url::with_parameters(&issued.return_url, &[("error", error), ("state", state.expose())])
}
