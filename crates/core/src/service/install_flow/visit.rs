//! A visit: the state that a browser sends, and GitHub's facts about the visitor.

use super::callback::{Callback, CallbackOutcome};
use super::ways_out::Stop;
use super::web_flow::FlowState;
use crate::error::CallbackRefusal;
use crate::model::{
    AuthorizationCode, CodeFate, InstallationId, IssuedState, Membership, SetupAction, State, UnknownReason,
    Visibility, VisitorFacts,
};
use crate::ports::{CodeGrant, ReserveOutcome, VisitorCheck, VisitorInstallations};
use crate::rules::claim;
use crate::service::Dockline;

/// A browser with a known state, live or not.
pub(super) struct Visit<'a> {
    pub(super) state: State,
    pub(super) issued: IssuedState,
    /// The rest of the `state` parameter if the visitor returns from the web flow.
    pub(super) flow: Option<FlowState<'a>>,
}

impl Visit<'_> {
    /// Returns the installation that the visitor came with.
    pub(super) fn installation(
        &self,
        callback: &Callback<'_>,
    ) -> Result<Option<InstallationId>, CallbackRefusal> {
        let named = callback.installation_id.map(str::parse::<InstallationId>).transpose();
        let named = named.map_err(|_| CallbackRefusal::MalformedInstallation)?;
        match (named, self.flow.as_ref().and_then(|flow| flow.installation)) {
            (Some(named), Some(of_flow)) if named != of_flow => Err(CallbackRefusal::MalformedInstallation),
            (named, of_flow) => Ok(named.or(of_flow)),
        }
    }

    /// Returns the `setup_action` that the visitor came with, before the web flow or now.
    pub(super) fn setup_action(&self, callback: &Callback<'_>) -> SetupAction {
        match &self.flow {
            Some(flow) if flow.just_installed => SetupAction::Install,
            Some(_) => SetupAction::Update,
            None => callback.setup_action.map_or(SetupAction::Install, SetupAction::of_github),
        }
    }

    /// Returns whether the visitor says that they have just installed the App. Such a visitor may arrive before the
    /// webhook that names the installer.
    pub(super) fn just_installed(&self, callback: &Callback<'_>) -> bool {
        match &self.flow {
            Some(flow) => flow.just_installed,
            None => callback.setup_action == Some(SetupAction::Install.as_str()),
        }
    }
}

impl Dockline {
    /// Finds the state of the `state` parameter. The whole text is looked up first, since a caller's own state may look
    /// like one of the web flow.
    pub(super) async fn find_visit<'a>(&self, text: Option<&'a str>) -> Result<Visit<'a>, Stop> {
        let text = text.ok_or(CallbackRefusal::MalformedState)?;
        let flow = FlowState::parse(text);
        match self.find_state(text).await {
            Ok((state, issued)) => Ok(Visit { state, issued, flow: None }),
            Err(Stop::Refused(refusal)) => {
                let flow = flow.ok_or(refusal)?;
                let (state, issued) = self.find_state(flow.state).await?;
                Ok(Visit { state, issued, flow: Some(flow) })
            }
            Err(stop) => Err(stop),
        }
    }

    /// Finds a state, live or not.
    pub(super) async fn find_state(&self, text: &str) -> Result<(State, IssuedState), Stop> {
        let state = State::parse(text).map_err(|_| CallbackRefusal::MalformedState)?;
        let issued = self.0.ports.states.find_by_digest(&state.digest()).await?;
        Ok((state, issued.ok_or(CallbackRefusal::UnknownState)?))
    }

    /// Exchanges the visitor's code, at most once, and continues with GitHub's facts about the visitor.
    pub(super) async fn visit_with_code(
        &self,
        visit: &Visit<'_>,
        callback: &Callback<'_>,
        installation: Option<InstallationId>,
        code: &str,
    ) -> Result<CallbackOutcome, Stop> {
        let code = AuthorizationCode::parse(code).map_err(|_| CallbackRefusal::MalformedCode)?;
        let digest = code.digest();
        let grant = match (&visit.flow, callback.verifier) {
            (None, _) => CodeGrant::of_installation(code),
            (Some(_), Some(verifier)) => CodeGrant {
                code,
                redirect_uri: callback.callback_url.map(str::to_owned),
                verifier: Some(verifier.clone()),
            },
            (Some(flow), None) if flow.is_first_attempt() => {
                return self.authorize_again(visit, callback, installation).map(CallbackOutcome::Authorize);
            }
            (Some(_), None) => return Err(CallbackRefusal::MissingCookie.into()),
        };
        let refused = || -> Result<CallbackOutcome, Stop> {
            // A further visit to the web flow would end like this one.
            if visit.flow.is_some() {
                return Err(CallbackRefusal::CodeRefused.into());
            }
            let authorization = self.authorize(visit, callback, installation)?;
            Ok(CallbackOutcome::Authorize(Box::new(authorization.after_refused_code())))
        };
        let call = self.begin_github_call(&visit.issued.organization)?;
        match self.0.ports.states.reserve_code(&visit.issued.digest, &digest).await? {
            ReserveOutcome::Reserved => {}
            // The page was loaded before: GitHub would reject the code, and gives the same visitor another one.
            ReserveOutcome::Known(CodeFate::Sent | CodeFate::Used) => {
                return self.authorize(visit, callback, installation).map(CallbackOutcome::Authorize);
            }
            ReserveOutcome::Known(CodeFate::Refused) => return refused(),
            ReserveOutcome::Exhausted => return Err(CallbackRefusal::TooManyCodes.into()),
            ReserveOutcome::Unknown => return Err(CallbackRefusal::RevokedState.into()),
        }
        let checked = match installation {
            Some(installation) => {
                let checked = self.0.ports.github.check_visitor(&grant, installation).await;
                checked.map(|checked| Checked::Visitor(installation, checked))
            }
            None => self.0.ports.github.visitor_installations(&grant).await.map(Checked::Installations),
        };
        drop(call);
        let fate = if checked.as_ref().is_ok_and(Checked::refuses_the_code) {
            CodeFate::Refused
        } else {
            CodeFate::Used
        };
        let settled = self.0.ports.states.settle_code(&visit.issued.digest, &digest, fate).await;
        let checked = checked?;
        settled?;
        match checked {
            Checked::Visitor(_, VisitorCheck::CodeRefused)
            | Checked::Installations(VisitorInstallations::CodeRefused) => refused(),
            Checked::Visitor(_, VisitorCheck::Denied(reason))
            | Checked::Installations(VisitorInstallations::Denied(reason)) => Err(unknown(&reason)),
            Checked::Visitor(installation, VisitorCheck::Visitor(facts)) => {
                self.visitor_identified(visit, callback, installation, &facts).await
            }
            Checked::Installations(VisitorInstallations::Listed { installations, hidden }) => {
                self.choose(visit, callback, &installations, hidden.as_ref())
            }
        }
    }

    async fn visitor_identified(
        &self,
        visit: &Visit<'_>,
        callback: &Callback<'_>,
        installation: InstallationId,
        facts: &VisitorFacts,
    ) -> Result<CallbackOutcome, Stop> {
        let state_age = self.now() - visit.issued.issued_at;
        let evaluated = claim::evaluate(facts, installation, state_age);
        let (account, claim) = evaluated.map_err(|refusal| with_sign_on(refusal, facts))?;
        let claim = self.confirmable_claim(claim, facts, visit.just_installed(callback)).await?;
        let claim = claim.map_err(|refusal| with_sign_on(refusal, facts))?;
        self.ask_or_confirm(visit, account, claim, visit.setup_action(callback)).await
    }
}

/// GitHub's response about a visitor.
enum Checked {
    Visitor(InstallationId, VisitorCheck),
    Installations(VisitorInstallations),
}

impl Checked {
    const fn refuses_the_code(&self) -> bool {
        matches!(
            self,
            Self::Visitor(_, VisitorCheck::CodeRefused)
                | Self::Installations(VisitorInstallations::CodeRefused)
        )
    }
}

/// Returns the refusal for what GitHub does not say, with its page to sign in.
pub(super) fn unknown(reason: &UnknownReason) -> Stop {
    if let UnknownReason::SsoRequired { url: Some(url) } = reason {
        Stop::SignOn(url.clone())
    } else {
        claim::refusal_of(reason).into()
    }
}

/// Adds GitHub's page to sign in to a refusal that needs one.
fn with_sign_on(refusal: CallbackRefusal, facts: &VisitorFacts) -> Stop {
    match (refusal, &facts.visibility, &facts.membership) {
        (CallbackRefusal::SsoRequired, Visibility::Unknown(reason), _)
        | (CallbackRefusal::SsoRequired, _, Membership::Unknown(reason)) => unknown(reason),
        _ => refusal.into(),
    }
}
