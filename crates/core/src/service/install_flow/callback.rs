use super::choice::InstallationChoice;
use super::question::ConfirmationPrompt;
use super::redirect::ReturnRedirect;
use super::visit::Visit;
use super::ways_out::{Stop, Stopped};
use super::web_flow::{Authorization, FlowState};
use crate::error::{CallbackError, CallbackRefusal};
use crate::model::{CodeVerifier, InstallationId, Proof, SetupAction};
use crate::ports::Event;
use crate::rules::{claim, return_url};
use crate::service::Dockline;

/// The query parameters of the callback, as received, and what the host adds. The parameters can be forged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Callback<'a> {
    /// `state`
    pub state: Option<&'a str>,
    /// `installation_id`
    pub installation_id: Option<&'a str>,
    /// `code`
    pub code: Option<&'a str>,
    /// `setup_action`
    pub setup_action: Option<&'a str>,
    /// `error`, which GitHub sends instead of a code if the visitor declines.
    pub error: Option<&'a str>,
    /// Whether the query has `prompt=select_account`: the visitor wants to use another GitHub account.
    pub select_account: bool,
    /// Whether one of these parameters occurs more than once. Such a visit is refused, since two parsers may pick
    /// different values.
    pub ambiguous: bool,
    /// The value of the cookie that belongs to [`Callback::nonce`], which [`Authorization`] asked the host to set.
    pub verifier: Option<&'a CodeVerifier>,
    /// The URL of the callback, from the host's configuration and never from a request; GitHub's web flow returns to it.
    /// Without it GitHub returns to the App's first callback URL.
    pub callback_url: Option<&'a str>,
}

impl<'a> Callback<'a> {
    /// Returns the nonce of the web flow that the visitor returns from. The browser has its [`Authorization::verifier`] in
    /// a cookie. `None` if the visitor does not come from the web flow.
    #[must_use]
    pub fn nonce(&self) -> Option<&'a str> {
        FlowState::parse(self.state?).map(|flow| flow.nonce)
    }
}

/// The next step of a visitor who returns from GitHub.
#[derive(Debug)]
pub enum CallbackOutcome {
    /// Show the confirmation page. The state is not tied yet.
    Confirm(Box<ConfirmationPrompt>),
    /// Show the page on which the visitor chooses an installation, since GitHub named none.
    Choose(Box<InstallationChoice>),
    /// Redirect the browser to the product.
    Redirect(ReturnRedirect),
    /// Redirect the browser to GitHub's OAuth flow; it returns to the same callback with a code.
    Authorize(Box<Authorization>),
    /// Redirect the browser to this URL of the product: the App was installed without an install link
    /// ([`Builder::with_unsolicited_install_url`](crate::Builder::with_unsolicited_install_url)). Nothing was proven.
    Unsolicited {
        /// The URL, with `installation_id`.
        url: String,
    },
}

impl Dockline {
    /// Handles a browser that GitHub redirected to the callback: finds the state, identifies the visitor at GitHub, checks
    /// the visitor's access to the installation, and asks for a confirmation. The same request has the same end when it is
    /// repeated. A refusal changes nothing, except that the sixth code that GitHub rejects revokes the state.
    ///
    /// # Errors
    /// See [`CallbackError`].
    pub async fn handle_callback(&self, callback: Callback<'_>) -> Result<CallbackOutcome, CallbackError> {
        let mut stopped = Stopped::default();
        match self.try_handle_callback(&callback, &mut stopped).await {
            Ok(outcome) => Ok(outcome),
            Err(stop) => Err(self.refuse(stop, stopped)),
        }
    }

    async fn try_handle_callback(
        &self,
        callback: &Callback<'_>,
        stopped: &mut Stopped,
    ) -> Result<CallbackOutcome, Stop> {
        if let Some(url) = self.unsolicited(callback) {
            return Ok(CallbackOutcome::Unsolicited { url });
        }
        let visit = self.find_visit(callback.state).await?;
        stopped.visit(&visit, callback);
        if callback.ambiguous {
            return Err(CallbackRefusal::DuplicateParameter.into());
        }
        let installation = visit.installation(callback)?;
        stopped.installation = installation;
        let Visit { state, issued, .. } = &visit;
        if issued.revoked {
            return Err(CallbackRefusal::RevokedState.into());
        }
        let is_live = issued.is_live(self.now());
        let setup_action = visit.setup_action(callback);
        if is_live && installation.is_none() && setup_action == SetupAction::Request {
            // A member requested the installation from the owners: an expected outcome without an installation.
            return Ok(CallbackOutcome::Redirect(ReturnRedirect::requested(issued, state)));
        }
        match &issued.claim {
            // The visit is over; a reload of any of its pages leads on, also a late one.
            Some(claim) if installation.is_none_or(|installation| installation == claim.installation) => {
                let redirect = ReturnRedirect::connected(issued, state, claim.installation, setup_action);
                return Ok(CallbackOutcome::Redirect(redirect));
            }
            Some(_) => return Err(CallbackRefusal::TiedToAnother.into()),
            None if !is_live => return Err(CallbackRefusal::ExpiredState.into()),
            None => {}
        }
        if let Some(code) = callback.code {
            return self.visit_with_code(&visit, callback, installation, code).await;
        }
        match installation {
            // Nothing was proven, so the state is not tied. If the policy needs no proof, the product can register.
            Some(installation)
                if claim::suffices(Proof::State, self.0.policy) && !callback.select_account =>
            {
                let redirect = ReturnRedirect::connected(issued, state, installation, setup_action);
                Ok(CallbackOutcome::Redirect(redirect))
            }
            _ if callback.error.is_some() => Err(CallbackRefusal::AuthorizationDenied.into()),
            _ if visit.flow.is_some() => Err(CallbackRefusal::MissingCode.into()),
            _ => self.authorize(&visit, callback, installation).map(CallbackOutcome::Authorize),
        }
    }

    /// Returns the host's landing page for an installation without an install link, if there is one.
    fn unsolicited(&self, callback: &Callback<'_>) -> Option<String> {
        let landing = self.0.unsolicited_install_url.as_ref().filter(|_| callback.state.is_none())?;
        let installation: InstallationId =
            callback.installation_id.filter(|_| !callback.ambiguous)?.parse().ok()?;
        Some(return_url::with_parameters(landing, &[("installation_id", &installation.to_string())]))
    }

    /// Records the refusal and returns it with what the visitor can do instead.
    pub(super) fn refuse(&self, stop: Stop, stopped: Stopped) -> CallbackError {
        if let Some(reason) = stop.refusal() {
            let organization = stopped.known.as_ref().map(|(_, issued)| issued.organization.clone());
            let installation = stopped.installation;
            self.record(&Event::CallbackRefused { organization, installation, reason });
        }
        let ways_out = Box::new(self.ways_out(&stop, &stopped));
        match stop {
            Stop::Refused(reason) => CallbackError::Refused { reason, ways_out },
            Stop::SignOn(_) => CallbackError::Refused { reason: CallbackRefusal::SsoRequired, ways_out },
            Stop::Port(error) => CallbackError::Port { error, ways_out },
        }
    }
}
