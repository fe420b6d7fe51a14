use super::callback::CallbackOutcome;
use super::redirect::ReturnRedirect;
use super::visit::Visit;
use super::ways_out::Stop;
use crate::error::{CallbackRefusal, PortError};
use crate::model::{
    Account, Actor, BrowserSecret, IssuedState, OrganizationId, OrganizationName, PendingConfirmation,
    SetupAction, State, Ticket, VerifiedClaim,
};
use crate::ports::{ConfirmOutcome, Event};
use crate::rules::return_url;
use crate::service::Dockline;

/// The content of the confirmation page: "Connect `account` to `organization_name`?"
///
/// Show the organization's name and id, the actor and `return_host`: a visitor recognizes a stranger's link by them.
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
    /// The value of the cookie for this browser. It must not be shown elsewhere. Several questions may be open in one
    /// browser: name the cookie by [`Ticket::cookie_name`].
    pub browser: BrowserSecret,
    /// The state, for the page's form.
    pub state: State,
    /// The stored return URL, to which the browser is redirected after the answer.
    pub return_url: String,
    /// The host and port of the return URL, which no caller can choose freely.
    pub return_host: String,
    /// The time that is left for an answer.
    pub expires_in: std::time::Duration,
}

impl Dockline {
    pub(super) async fn ask_or_confirm(
        &self,
        visit: &Visit<'_>,
        account: Account,
        claim: VerifiedClaim,
        setup_action: SetupAction,
    ) -> Result<CallbackOutcome, Stop> {
        let Visit { state, issued, .. } = visit;
        if !self.0.confirmation {
            let claim = self.claim_to_store(&issued.organization, claim).await??;
            return match self.0.ports.states.confirm_claim(&issued.digest, None, claim).await? {
                ConfirmOutcome::Tied | ConfirmOutcome::AlreadyTied => {
                    self.record_confirmed(issued, &claim);
                    let redirect = ReturnRedirect::connected(issued, state, claim.installation, setup_action);
                    Ok(CallbackOutcome::Redirect(redirect))
                }
                ConfirmOutcome::TiedToOther => Err(CallbackRefusal::TiedToAnother.into()),
                ConfirmOutcome::Unknown => Err(CallbackRefusal::RevokedState.into()),
            };
        }
        let ticket = Ticket::mint(self.0.entropy.as_ref()).map_err(PortError::from)?;
        let browser = BrowserSecret::mint(self.0.entropy.as_ref()).map_err(PortError::from)?;
        let pending =
            PendingConfirmation { ticket: ticket.digest(), browser: browser.digest(), claim, setup_action };
        if !self.0.ports.states.save_pending(&issued.digest, pending).await? {
            return Err(CallbackRefusal::RevokedState.into());
        }
        let expires_in = (issued.expires_at - self.now()).try_into().unwrap_or_default();
        Ok(CallbackOutcome::Confirm(Box::new(ConfirmationPrompt {
            account,
            organization: issued.organization.clone(),
            organization_name: issued.organization_name.clone(),
            actor: issued.actor.clone(),
            ticket,
            browser,
            state: state.clone(),
            return_url: issued.return_url.clone(),
            return_host: return_url::host(&issued.return_url),
            expires_in,
        })))
    }

    pub(super) fn record_confirmed(&self, issued: &IssuedState, claim: &VerifiedClaim) {
        let organization = issued.organization.clone();
        let (installation, proof) = (claim.installation, claim.proof);
        self.record(&Event::ClaimConfirmed { organization, installation, proof });
    }
}
