use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::OffsetDateTime;

use crate::error::{Issue, IssueCode, PortError, StartInstallError};
use crate::model::{Caller, IssuedState, State};
use crate::ports::PutOutcome;
use crate::rules::return_url::{self, Judgement};
use crate::service::Dockline;

/// Everything but RFC 3986's unreserved characters.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What install-url was asked for, as it came.
#[derive(Debug, Clone, Copy, Default)]
pub struct StartInstallRequest<'a> {
    /// Where the browser shall go in the end.
    pub return_url: Option<&'a str>,
    /// A state of the caller's own; one is made where it is left out.
    pub state: Option<&'a str>,
}

/// A link that sends a user to GitHub.
#[derive(Debug, Clone)]
pub struct InstallLink {
    /// The link. Holds the state.
    pub url: String,
    /// The state that is in it.
    pub state: State,
    /// From when on it is worth nothing.
    pub expires_at: OffsetDateTime,
}

impl Dockline {
    /// Issues a state to the caller's organization and makes the link that carries it to GitHub (`contract.md` §2).
    ///
    /// GitHub does not document `redirect_uri` on this page (GitHub fact 3): it is there for the contract's sake and
    /// nothing is built on it; the browser is sent to the *stored* return URL.
    ///
    /// # Errors
    /// See [`StartInstallError`]. Where it fails, no state was issued.
    pub async fn start_install(
        &self,
        caller: &Caller,
        request: StartInstallRequest<'_>,
    ) -> Result<InstallLink, StartInstallError> {
        let mut issues = Vec::new();
        let judgement = request
            .return_url
            .map_or(Judgement::Malformed, |return_url| return_url::judge(return_url, &caller.return_hosts));
        if request.return_url.is_none() {
            issues.push(Issue::new(
                "returnUrl",
                IssueCode::Missing,
                "returnUrl is required: where the browser goes in the end.",
            ));
        } else if judgement == Judgement::Malformed {
            issues.push(Issue::new(
                "returnUrl",
                IssueCode::Malformed,
                "returnUrl must be an absolute URL of at most 2048 ASCII characters, such as \
                 https://app.example.com/github/connected.",
            ));
        }
        let own_state = match request.state.map(own_state).transpose() {
            Ok(state) => state,
            Err(issue) => {
                issues.push(issue);
                None
            }
        };
        let Some(return_url) = request.return_url.filter(|_| issues.is_empty()) else {
            return Err(StartInstallError::Invalid(issues));
        };
        if judgement != Judgement::Allowed {
            return Err(StartInstallError::ReturnUrlNotAllowed);
        }
        let state = match own_state {
            Some(state) => state,
            None => State::mint(self.entropy.as_ref()).map_err(PortError::from)?,
        };
        let issued_at = self.now();
        let expires_at = issued_at + IssuedState::LIFETIME;
        let put = self
            .ports
            .states
            .put(IssuedState {
                digest: state.digest(),
                organization: caller.organization.clone(),
                organization_name: caller.organization_name.clone(),
                actor: caller.actor.clone(),
                return_url: return_url.to_owned(),
                issued_at,
                expires_at,
                pending: None,
                claim: None,
            })
            .await?;
        match put {
            PutOutcome::Stored => {
                let page = self.ports.github.registration().install_page;
                let target = utf8_percent_encode(return_url, COMPONENT);
                let url = format!("{page}?state={}&redirect_uri={target}", state.expose());
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
