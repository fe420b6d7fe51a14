use crate::error::{CallbackError, CallbackRefusal, PortError};
use crate::model::{
    Account, Actor, AuthorizationCode, BrowserSecret, InstallationId, IssuedState, Membership,
    OrganizationId, OrganizationName, PendingConfirmation, Proof, SetupAction, State, Ticket, UnknownReason,
    VerifiedClaim, Visibility, VisitorFacts,
};
use crate::ports::{CodeGrant, ConfirmOutcome, Event, VisitorCheck};
use crate::rules::{claim, return_url};
use crate::service::Dockline;

/// The query parameters of the callback, as received. They can be forged.
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
}

/// The next step of a visitor who returns from GitHub.
#[derive(Debug)]
pub enum CallbackOutcome {
    /// Show the confirmation page. The state is not tied yet.
    Confirm(Box<ConfirmationPrompt>),
    /// Redirect the browser to the product.
    Redirect(ReturnRedirect),
    /// Redirect the browser to GitHub's OAuth flow, since GitHub sent no code; it returns to the same callback. This
    /// happens if the App was installed before (`setup_action=update`), or does not request authorization during
    /// installation.
    Authorize(Authorization),
}

/// The content of the confirmation page: "Connect `account` to `organization_name`?"
#[derive(Debug)]
pub struct ConfirmationPrompt {
    /// The account that would be connected.
    pub account: Account,
    /// The id of the organization that it would be connected to.
    pub organization: OrganizationId,
    /// The display name of that organization.
    pub organization_name: OrganizationName,
    /// The person or machine that requested the install URL.
    pub actor: Actor,
    /// The one-time secret for the page's form.
    pub ticket: Ticket,
    /// The value of the cookie for this browser. It must not be shown elsewhere.
    pub browser: BrowserSecret,
    /// The state, for the page's form.
    pub state: State,
    /// The stored return URL, to which the browser is redirected after the answer.
    pub return_url: String,
    /// The time that is left for an answer.
    pub expires_in: std::time::Duration,
}

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

/// GitHub's OAuth flow, in which the visitor authorizes the App.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The URL. Its `state` parameter is the state, a `~` and the installation id, since GitHub returns no other parameter.
    /// A visitor can forge both values; they prove nothing until GitHub identifies the visitor.
    pub url: String,
}

impl ReturnRedirect {
    fn to(issued: &IssuedState, result: InstallResult, parameters: &[(&str, &str)]) -> Self {
        Self { url: return_url::with_parameters(&issued.return_url, parameters), result }
    }

    pub(in crate::service) fn connected(
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

    pub(in crate::service) fn denied(issued: &IssuedState, state: &State) -> Self {
        let parameters = [("error", "access_denied"), ("state", state.expose())];
        Self::to(issued, InstallResult::Denied, &parameters)
    }

    fn requested(issued: &IssuedState, state: &State) -> Self {
        let parameters = [("state", state.expose()), ("setup_action", SetupAction::Request.as_str())];
        Self::to(issued, InstallResult::Requested, &parameters)
    }
}

impl Dockline {
    /// Handles a browser that GitHub redirected to the callback: finds the state, identifies the visitor at GitHub, checks
    /// the visitor's access to the installation, and asks for a confirmation. A refusal changes nothing.
    ///
    /// # Errors
    /// See [`CallbackError`].
    pub async fn handle_callback(&self, callback: Callback<'_>) -> Result<CallbackOutcome, CallbackError> {
        let mut context = CallbackContext::default();
        let outcome = self.try_handle_callback(callback, &mut context).await;
        if let Some(reason) = outcome.as_ref().err().and_then(CallbackError::refusal) {
            let CallbackContext { organization, installation } = context;
            self.record(&Event::CallbackRefused { organization, installation, reason });
        }
        outcome
    }

    async fn try_handle_callback(
        &self,
        callback: Callback<'_>,
        context: &mut CallbackContext,
    ) -> Result<CallbackOutcome, CallbackError> {
        let (callback, authorized) = after_authorization(callback);
        let (state, issued) = self.find_live_state(callback.state).await?;
        context.organization = Some(issued.organization.clone());
        let setup_action = callback.setup_action.map_or(SetupAction::Install, SetupAction::parse);
        let installation = match callback.installation_id.map(str::parse::<InstallationId>) {
            // A member requested the installation from the owners: an expected outcome without an installation.
            None if setup_action == SetupAction::Request => {
                return Ok(CallbackOutcome::Redirect(ReturnRedirect::requested(&issued, &state)));
            }
            Some(Ok(installation)) => installation,
            None | Some(Err(_)) => return Err(CallbackRefusal::MalformedInstallation.into()),
        };
        context.installation = Some(installation);
        if issued.claim.is_some_and(|claim| claim.installation != installation) {
            return Err(CallbackRefusal::TiedToAnother.into());
        }
        let Some(code) = callback.code else {
            // Nothing was proven, so the state is not tied. If the policy needs no proof, the product can register.
            if claim::suffices(Proof::State, self.policy) {
                let redirect = ReturnRedirect::connected(&issued, &state, installation, setup_action);
                return Ok(CallbackOutcome::Redirect(redirect));
            }
            if callback.error.is_some() {
                return Err(CallbackRefusal::AuthorizationDenied.into());
            }
            let page = self.ports.github.registration().authorize_page.filter(|_| !authorized);
            let page = page.ok_or(CallbackRefusal::MissingCode)?;
            let url = format!("{page}&state={}{SEPARATOR}{installation}", state.expose());
            return Ok(CallbackOutcome::Authorize(Authorization { url }));
        };
        let grant = CodeGrant::of_installation(AuthorizationCode::presented(code));
        let facts = match self.ports.github.check_visitor(&grant, installation).await? {
            VisitorCheck::Visitor(facts) => facts,
            VisitorCheck::CodeRefused => return Err(CallbackRefusal::CodeRefused.into()),
            VisitorCheck::Denied(reason) => return Err(unknown(&reason)),
        };
        let evaluated = claim::evaluate(&facts, installation, self.now() - issued.issued_at);
        let (account, claim) = evaluated.map_err(|refusal| with_sso_page(refusal, &facts))?;
        // A visitor who has just installed the App may arrive before the webhook that names the installer.
        let just_installed = callback.setup_action == Some("install");
        let claim = self.confirmable_claim(claim, &facts, just_installed).await?;
        let claim = claim.map_err(|refusal| with_sso_page(refusal, &facts))?;
        self.ask_or_confirm(state, issued, account, claim, setup_action).await
    }

    /// Finds the live state that a browser presents.
    pub(in crate::service) async fn find_live_state(
        &self,
        state: Option<&str>,
    ) -> Result<(State, IssuedState), CallbackError> {
        let state = state.and_then(|text| State::parse(text).ok()).ok_or(CallbackRefusal::MalformedState)?;
        let issued = self.ports.states.find_by_digest(&state.digest()).await?;
        let issued = issued.filter(|issued| !issued.revoked).ok_or(CallbackRefusal::UnknownState)?;
        if issued.is_live(self.now()) {
            Ok((state, issued))
        } else {
            Err(CallbackRefusal::ExpiredState.into())
        }
    }

    async fn ask_or_confirm(
        &self,
        state: State,
        issued: IssuedState,
        account: Account,
        claim: VerifiedClaim,
        setup_action: SetupAction,
    ) -> Result<CallbackOutcome, CallbackError> {
        if !self.confirmation {
            let claim = self.claim_to_store(claim).await??;
            return match self.ports.states.confirm_claim(&issued.digest, None, claim).await? {
                ConfirmOutcome::Tied | ConfirmOutcome::AlreadyTied => {
                    self.record_confirmed(&issued, &claim);
                    let redirect =
                        ReturnRedirect::connected(&issued, &state, claim.installation, setup_action);
                    Ok(CallbackOutcome::Redirect(redirect))
                }
                ConfirmOutcome::TiedToOther => Err(CallbackRefusal::TiedToAnother.into()),
                ConfirmOutcome::Unknown => Err(CallbackRefusal::UnknownState.into()),
            };
        }
        let ticket = Ticket::mint(self.entropy.as_ref()).map_err(PortError::from)?;
        let browser = BrowserSecret::mint(self.entropy.as_ref()).map_err(PortError::from)?;
        let pending =
            PendingConfirmation { ticket: ticket.digest(), browser: browser.digest(), claim, setup_action };
        if !self.ports.states.save_pending(&issued.digest, pending).await? {
            return Err(CallbackRefusal::UnknownState.into());
        }
        let expires_in = (issued.expires_at - self.now()).try_into().unwrap_or_default();
        let IssuedState { organization, organization_name, actor, return_url, .. } = issued;
        Ok(CallbackOutcome::Confirm(Box::new(ConfirmationPrompt {
            account,
            organization,
            organization_name,
            actor,
            ticket,
            browser,
            state,
            return_url,
            expires_in,
        })))
    }

    pub(in crate::service) fn record_confirmed(&self, issued: &IssuedState, claim: &VerifiedClaim) {
        let organization = issued.organization.clone();
        let (installation, proof) = (claim.installation, claim.proof);
        self.record(&Event::ClaimConfirmed { organization, installation, proof });
    }
}

/// Returns the error for what GitHub does not say, with its page to sign in.
fn unknown(reason: &UnknownReason) -> CallbackError {
    if let UnknownReason::SsoRequired { url: Some(url) } = reason {
        CallbackError::SsoRequired { url: url.clone() }
    } else {
        claim::refusal_of(reason).into()
    }
}

/// Adds GitHub's page to sign in to a refusal that needs one.
fn with_sso_page(refusal: CallbackRefusal, facts: &VisitorFacts) -> CallbackError {
    match (refusal, &facts.visibility, &facts.membership) {
        (CallbackRefusal::SsoRequired, Visibility::Unknown(reason), _)
        | (CallbackRefusal::SsoRequired, _, Membership::Unknown(reason)) => unknown(reason),
        _ => refusal.into(),
    }
}

/// Separates the state from the installation id in the `state` parameter of GitHub's OAuth flow.
const SEPARATOR: char = '~';

/// Restores the parameters of a visitor who returns from [`CallbackOutcome::Authorize`], and returns whether the visitor
/// does.
fn after_authorization(callback: Callback<'_>) -> (Callback<'_>, bool) {
    let plain = callback.installation_id.is_none() && callback.setup_action.is_none();
    let split = callback.state.filter(|_| plain).and_then(|state| state.rsplit_once(SEPARATOR));
    match split.filter(|(_, installation)| installation.parse::<InstallationId>().is_ok()) {
        Some((state, installation)) => {
            let (state, installation_id) = (Some(state), Some(installation));
            let setup_action = Some(SetupAction::Update.as_str());
            (Callback { state, installation_id, setup_action, ..callback }, true)
        }
        None => (callback, false),
    }
}

/// The facts that are known when a visitor is refused, for the event.
#[derive(Default)]
struct CallbackContext {
    organization: Option<OrganizationId>,
    installation: Option<InstallationId>,
}
