use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::OffsetDateTime;

use crate::error::{Issue, IssueCode, PortError, StartInstallError};
use crate::model::{Caller, IssuedState, State};
use crate::ports::PutOutcome;
use crate::rules::return_url::{self, ReturnUrlError};
use crate::service::Dockline;

/// All characters except the unreserved ones of RFC 3986.
pub(super) const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameters of an install URL, as received.
#[derive(Debug, Clone, Copy, Default)]
pub struct StartInstallRequest<'a> {
    /// The URL that the browser is redirected to at the end. Required.
    pub return_url: Option<&'a str>,
    /// The caller's own state; `None` to have one generated.
    pub state: Option<&'a str>,
}

impl StartInstallRequest<'_> {
    /// Returns the issues of the parameters, so that a host can report them with those of its own.
    /// [`Dockline::start_install`] rejects a request that has any.
    #[must_use]
    pub fn issues(&self, caller: &Caller) -> Vec<Issue> {
        let return_url = match self.return_url.map(|url| return_url::check(url, &caller.return_hosts)) {
            None => Some(Issue::new(
                "returnUrl",
                IssueCode::Missing,
                "returnUrl is required: the URL to which the browser returns.",
            )),
            Some(Err(ReturnUrlError::Malformed)) => Some(Issue::new(
                "returnUrl",
                IssueCode::Malformed,
                "returnUrl must be an absolute URL of at most 2048 ASCII characters, such as \
                 https://app.example.com/github/connected.",
            )),
            Some(Err(ReturnUrlError::Reserved)) => Some(Issue::new(
                "returnUrl",
                IssueCode::Malformed,
                "returnUrl must not have the query parameters installation_id, state, setup_action or error, since they are \
                 added to it at the end.",
            )),
            Some(Err(ReturnUrlError::NotAllowed) | Ok(())) => None,
        };
        let state = self.state.and_then(|state| own_state(state).err());
        return_url.into_iter().chain(state).collect()
    }
}

/// A link that sends a person to GitHub to install the App.
#[derive(Debug, Clone)]
pub struct InstallLink {
    /// The URL, which contains the state.
    pub url: String,
    /// The state.
    pub state: State,
    /// The time from which the state cannot be used.
    pub expires_at: OffsetDateTime,
}

impl Dockline {
    /// Issues a state to the caller's organization and returns the install link with it.
    ///
    /// The link has a `redirect_uri`, which clients of the HTTP API expect. GitHub does not document that parameter for
    /// this page, so nothing depends on it: the browser is redirected to the *stored* return URL.
    ///
    /// # Errors
    /// See [`StartInstallError`]. No state is issued then.
    pub async fn start_install(
        &self,
        caller: &Caller,
        request: StartInstallRequest<'_>,
    ) -> Result<InstallLink, StartInstallError> {
        let issues = request.issues(caller);
        let Some(return_url) = request.return_url.filter(|_| issues.is_empty()) else {
            return Err(StartInstallError::Invalid(issues));
        };
        if return_url::check(return_url, &caller.return_hosts).is_err() {
            return Err(StartInstallError::ReturnUrlNotAllowed);
        }
        let own_state = request
            .state
            .map(own_state)
            .transpose()
            .map_err(|issue| StartInstallError::Invalid(vec![issue]))?;
        let state = match own_state {
            Some(state) => state,
            None => State::mint(self.0.entropy.as_ref()).map_err(PortError::from)?,
        };
        let issued_at = self.now();
        let expires_at = issued_at + IssuedState::LIFETIME;
        let issued = IssuedState {
            digest: state.digest(),
            organization: caller.organization.clone(),
            organization_name: caller.organization_name.clone(),
            actor: caller.actor.clone(),
            return_url: return_url.to_owned(),
            issued_at,
            expires_at,
            pending: Vec::new(),
            answered: None,
            claim: None,
            revoked: false,
        };
        match self.0.ports.states.put(issued).await? {
            PutOutcome::Stored => {
                let page = self.0.ports.github.registration().install_page;
                let redirect_uri = utf8_percent_encode(return_url, COMPONENT);
                let url = format!("{page}?state={}&redirect_uri={redirect_uri}", state.expose());
                Ok(InstallLink { url, state, expires_at })
            }
            PutOutcome::InUse => Err(StartInstallError::Invalid(vec![Issue::new(
                "state",
                IssueCode::NotClaimable,
                "This state cannot be used. Make a fresh random one, or leave it out.",
            )])),
        }
    }
}

fn own_state(text: &str) -> Result<State, Issue> {
    let malformed = |message| Issue::new("state", IssueCode::Malformed, message);
    if text.len() < State::LEAST_OWN_LENGTH {
        return Err(malformed("state must have at least 16 characters, so that it cannot be guessed."));
    }
    State::parse(text).map_err(|_| malformed("state must be 16 to 256 characters of A-Z a-z 0-9 - . _ ~."))
}
