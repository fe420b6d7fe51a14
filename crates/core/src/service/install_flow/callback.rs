use crate::error::{CallbackRefusal, PortError};
use crate::model::{
    Account, AuthorizationCode, BrowserSecret, InstallationId, InstalledOn, IssuedState, PendingConfirmation,
    Proof, SetupAction, State, Ticket, VerifiedClaim, VisitorFacts,
};
use crate::ports::{ConfirmOutcome, Event, VisitorCheck};
use crate::rules::{claim, return_url};
use crate::service::Dockline;

/// The parameters with which GitHub sent a browser to the callback, as they came. Anybody can make them up (GitHub
/// fact 8).
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
    /// `error`: what GitHub says in place of a code.
    pub error: Option<&'a str>,
}

/// What becomes of a visitor who came back from GitHub.
#[derive(Debug)]
pub enum CallbackOutcome {
    /// Ask them; nothing is tied yet.
    Confirm(Box<ConfirmationPrompt>),
    /// Send them on.
    Redirect(ReturnRedirect),
    /// Send them to GitHub, which sent no code, to ask them who they are; they come back to the same callback. So it is
    /// with an App that was installed before (`setup_action=update`; L-61), and with one that does not ask during the
    /// installation.
    Authorize(Authorization),
    /// Turn them away; nothing was changed.
    Refused(CallbackRefusal),
}

/// The question of the confirmation page: "Connect `account` to `organization_name`?"
#[derive(Debug)]
pub struct ConfirmationPrompt {
    /// The account that would be connected.
    pub account: Account,
    /// Whom it would be connected to.
    pub organization_name: String,
    /// Goes into the page's form: good for one answer.
    pub ticket: Ticket,
    /// Goes into a cookie of this browser and into nothing else.
    pub browser: BrowserSecret,
    /// Goes into the page's form: the redirect repeats it.
    pub state: State,
    /// The scheme of the state's return URL, for a policy on where the page's form may lead.
    pub return_scheme: &'static str,
    /// How long the question can be answered.
    pub expires_in: std::time::Duration,
}

/// Where a browser is sent: the state's stored return URL and what the product needs to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnRedirect {
    /// The whole URL. Holds the state.
    pub url: String,
}

/// Where GitHub asks a visitor to let us see who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The whole URL. Holds the state, and after a `~` the installation that the visitor came with: GitHub gives back
    /// the state and nothing else. Both can be made up as much as the callback's parameters always could; what counts is
    /// what GitHub then says of the visitor.
    pub url: String,
}

impl ReturnRedirect {
    pub(in crate::service) fn to(issued: &IssuedState, parameters: &[(&str, &str)]) -> Self {
        Self { url: return_url::with_parameters(&issued.return_url, parameters) }
    }

    pub(in crate::service) fn connected(
        issued: &IssuedState,
        state: &State,
        installation: InstallationId,
        setup_action: SetupAction,
    ) -> Self {
        let id = installation.to_string();
        let action = setup_action.as_str();
        Self::to(issued, &[("installation_id", &id), ("state", state.expose()), ("setup_action", action)])
    }
}

impl Dockline {
    /// A browser comes back from GitHub (`design.md` §3): looks the state up, has GitHub say who came and what they
    /// reach, and asks for a confirmation. Whatever does not fit turns the visitor away and changes nothing (L-19).
    ///
    /// # Errors
    /// Infrastructure only; the visitor may start again with the same state.
    pub async fn handle_callback(&self, callback: Callback<'_>) -> Result<CallbackOutcome, PortError> {
        let mut traced = Traced::default();
        let arrival = self.handle_callback_traced(callback, &mut traced).await?;
        if let CallbackOutcome::Refused(reason) = arrival {
            let Traced { organization, installation } = traced;
            self.record(&Event::CallbackRefused { organization, installation, reason });
        }
        Ok(arrival)
    }

    async fn handle_callback_traced(
        &self,
        callback: Callback<'_>,
        traced: &mut Traced,
    ) -> Result<CallbackOutcome, PortError> {
        let (callback, authorized) = after_authorization(callback);
        let (state, issued) = match self.issued(callback.state).await? {
            Ok(found) => found,
            Err(reason) => return Ok(CallbackOutcome::Refused(reason)),
        };
        traced.organization = Some(issued.organization.clone());
        let setup_action = callback.setup_action.map_or(SetupAction::Install, SetupAction::parse);
        let installation = match callback.installation_id {
            None if setup_action == SetupAction::Request => {
                // The owners were asked: no installation, no binding, the product is told (L-62).
                let parameters = [("state", state.expose()), ("setup_action", setup_action.as_str())];
                return Ok(CallbackOutcome::Redirect(ReturnRedirect::to(&issued, &parameters)));
            }
            None => return Ok(CallbackOutcome::Refused(CallbackRefusal::MalformedInstallation)),
            Some(text) => match installation_id(text) {
                Some(installation) => installation,
                None => return Ok(CallbackOutcome::Refused(CallbackRefusal::MalformedInstallation)),
            },
        };
        traced.installation = Some(installation);
        if issued.claim.is_some_and(|claim| claim.installation != installation) {
            return Ok(CallbackOutcome::Refused(CallbackRefusal::TiedToAnother));
        }
        let Some(code) = callback.code else {
            // Nobody showed anything, so nothing is tied. Where the policy asks for nothing, the product may go on.
            if claim::suffices(Proof::State, self.policy) {
                return Ok(CallbackOutcome::Redirect(ReturnRedirect::connected(
                    &issued,
                    &state,
                    installation,
                    setup_action,
                )));
            }
            if callback.error.is_some() {
                return Ok(CallbackOutcome::Refused(CallbackRefusal::AuthorizationDenied));
            }
            let page = self.ports.github.registration().authorize_page.filter(|_| !authorized);
            return Ok(page.map_or(CallbackOutcome::Refused(CallbackRefusal::MissingCode), |page| {
                let url = format!("{page}&state={}{SEPARATOR}{installation}", state.expose());
                CallbackOutcome::Authorize(Authorization { url })
            }));
        };
        let code = AuthorizationCode::presented(code);
        let witness = match self.ports.github.check_visitor(&code, installation).await? {
            VisitorCheck::Visitor(witness) => witness,
            VisitorCheck::CodeRefused => return Ok(CallbackOutcome::Refused(CallbackRefusal::CodeRefused)),
        };
        let (account, claim) = match evaluate(witness, installation) {
            Ok(testified) => testified,
            Err(reason) => return Ok(CallbackOutcome::Refused(reason)),
        };
        // Whoever says that they have just installed it may be ahead of the delivery that says the same.
        let just_installed = callback.setup_action == Some("install");
        let Some(claim) = self.claim_of_visitor(claim, just_installed).await? else {
            return Ok(CallbackOutcome::Refused(CallbackRefusal::NotAdministered));
        };
        self.ask_or_confirm(state, issued, account, claim, setup_action).await
    }

    /// The state that a browser names, if it can still be used.
    pub(in crate::service) async fn issued(
        &self,
        state: Option<&str>,
    ) -> Result<Result<(State, IssuedState), CallbackRefusal>, PortError> {
        let Some(state) = state.and_then(|text| State::parse(text).ok()) else {
            return Ok(Err(CallbackRefusal::MalformedState));
        };
        let Some(issued) = self.ports.states.find_by_digest(&state.digest()).await? else {
            return Ok(Err(CallbackRefusal::UnknownState));
        };
        Ok(if issued.is_live(self.now()) { Ok((state, issued)) } else { Err(CallbackRefusal::ExpiredState) })
    }

    async fn ask_or_confirm(
        &self,
        state: State,
        issued: IssuedState,
        account: Account,
        claim: VerifiedClaim,
        setup_action: SetupAction,
    ) -> Result<CallbackOutcome, PortError> {
        if !self.confirmation {
            let Some(claim) = self.settle(claim).await? else {
                return Ok(CallbackOutcome::Refused(CallbackRefusal::NotAdministered));
            };
            let vouched = self.ports.states.confirm_claim(&issued.digest, None, claim).await?;
            return Ok(match vouched {
                ConfirmOutcome::Tied | ConfirmOutcome::AlreadyTied => {
                    self.record_confirmed(&issued, &claim);
                    CallbackOutcome::Redirect(ReturnRedirect::connected(
                        &issued,
                        &state,
                        claim.installation,
                        setup_action,
                    ))
                }
                ConfirmOutcome::TiedToOther => CallbackOutcome::Refused(CallbackRefusal::TiedToAnother),
                ConfirmOutcome::Unknown => CallbackOutcome::Refused(CallbackRefusal::UnknownState),
            });
        }
        let ticket = Ticket::mint(self.entropy.as_ref())?;
        let browser = BrowserSecret::mint(self.entropy.as_ref())?;
        let pending =
            PendingConfirmation { ticket: ticket.digest(), browser: browser.digest(), claim, setup_action };
        if !self.ports.states.save_pending(&issued.digest, pending).await? {
            return Ok(CallbackOutcome::Refused(CallbackRefusal::UnknownState));
        }
        let expires_in = (issued.expires_at - self.now()).try_into().unwrap_or_default();
        let return_scheme = return_url::scheme(&issued.return_url);
        let organization_name = issued.organization_name;
        Ok(CallbackOutcome::Confirm(Box::new(ConfirmationPrompt {
            account,
            organization_name,
            ticket,
            browser,
            state,
            return_scheme,
            expires_in,
        })))
    }

    pub(in crate::service) fn record_confirmed(&self, issued: &IssuedState, claim: &VerifiedClaim) {
        let organization = issued.organization.clone();
        self.record(&Event::ClaimConfirmed {
            organization,
            installation: claim.installation,
            proof: claim.proof,
        });
    }
}

/// Who came with what, as far as the binding rules are concerned.
fn evaluate(
    witness: VisitorFacts,
    installation: InstallationId,
) -> Result<(Account, VerifiedClaim), CallbackRefusal> {
    let proof = claim::proof_of(&witness).ok_or(CallbackRefusal::NotVisible)?;
    let VisitorFacts { visitor, visible, .. } = witness;
    let account = match visible {
        Some(InstalledOn::Account(account)) => account,
        Some(InstalledOn::Enterprise { .. } | InstalledOn::Unknown) => {
            return Err(CallbackRefusal::UnbindableAccount);
        }
        None => return Err(CallbackRefusal::NotVisible),
    };
    let claim = VerifiedClaim { installation, account: account.id, proof, visitor };
    Ok((account, claim))
}

/// Between a state and an installation on the way through GitHub's web flow.
const SEPARATOR: char = '~';

/// A visitor who comes back from [`CallbackOutcome::Authorize`] brings the installation in the state. Whether it is one.
fn after_authorization(callback: Callback<'_>) -> (Callback<'_>, bool) {
    let plain = callback.installation_id.is_none() && callback.setup_action.is_none();
    let split = callback.state.filter(|_| plain).and_then(|state| state.rsplit_once(SEPARATOR));
    match split.filter(|(_, installation)| installation_id(installation).is_some()) {
        Some((state, installation)) => {
            let (state, installation_id) = (Some(state), Some(installation));
            let setup_action = Some(SetupAction::Update.as_str());
            (Callback { state, installation_id, setup_action, ..callback }, true)
        }
        None => (callback, false),
    }
}

/// What of a visit is known so far, for the operator's events.
#[derive(Default)]
struct Traced {
    organization: Option<crate::model::OrganizationId>,
    installation: Option<InstallationId>,
}

/// Digits only: `u64::from_str` alone would also take a leading `+`.
fn installation_id(text: &str) -> Option<InstallationId> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u64>().ok().filter(|_| digits).and_then(|number| InstallationId::new(number).ok())
}
