use super::callback::ReturnRedirect;
use crate::error::{CallbackError, CallbackRefusal};
use crate::model::{BrowserSecret, InstallationId, IssuedState, Ticket};
use crate::ports::{ConfirmOutcome, Event};
use crate::service::Dockline;

/// The visitor's answer to the confirmation page, as received.
#[derive(Debug, Clone, Copy)]
pub struct ConfirmationAnswer<'a> {
    /// The form's `state`.
    pub state: Option<&'a str>,
    /// The form's ticket.
    pub ticket: &'a Ticket,
    /// The browser's cookie.
    pub browser: Option<&'a BrowserSecret>,
    /// `true` for Confirm, `false` for Cancel.
    pub confirmed: bool,
}

impl Dockline {
    /// Handles the visitor's answer to the confirmation page, and returns the redirect to the product. The answer must
    /// have the ticket of the pending confirmation and come from the browser that was asked. Confirm ties the state to the
    /// installation; Cancel revokes the state.
    ///
    /// # Errors
    /// See [`CallbackError`]. After an infrastructure failure the same answer may be sent again.
    pub async fn confirm(&self, answer: ConfirmationAnswer<'_>) -> Result<ReturnRedirect, CallbackError> {
        let mut found = None;
        let outcome = self.try_confirm(answer, &mut found).await;
        if let Some(reason) = outcome.as_ref().err().and_then(CallbackError::refusal) {
            self.record(&Event::CallbackRefused {
                organization: found.as_ref().map(|issued: &IssuedState| issued.organization.clone()),
                installation: found.and_then(|issued| installation_of(&issued, answer.ticket)),
                reason,
            });
        }
        outcome
    }

    async fn try_confirm(
        &self,
        answer: ConfirmationAnswer<'_>,
        found: &mut Option<IssuedState>,
    ) -> Result<ReturnRedirect, CallbackError> {
        let (state, issued) = self.find_live_state(answer.state).await?;
        let issued = &*found.insert(issued);
        let ticket = answer.ticket.digest();
        let pending = issued.pending.iter().find(|pending| pending.ticket.matches(&ticket)).copied();
        let pending = pending.ok_or(CallbackRefusal::TicketRefused)?;
        if !answer.browser.is_some_and(|browser| pending.browser.matches(&browser.digest())) {
            return Err(CallbackRefusal::OtherBrowser.into());
        }
        let states = &self.ports.states;
        if !answer.confirmed {
            if !states.revoke(&issued.digest, Some(&ticket)).await? {
                return Err(CallbackRefusal::TicketRefused.into());
            }
            let (organization, installation) = (issued.organization.clone(), pending.claim.installation);
            self.record(&Event::Cancelled { organization, installation });
            return Ok(ReturnRedirect::denied(issued, &state));
        }
        let claim = self.claim_to_store(pending.claim).await??;
        match states.confirm_claim(&issued.digest, Some(&ticket), claim).await? {
            ConfirmOutcome::Tied | ConfirmOutcome::AlreadyTied => {
                self.record_confirmed(issued, &claim);
                let (installation, setup_action) = (claim.installation, pending.setup_action);
                Ok(ReturnRedirect::connected(issued, &state, installation, setup_action))
            }
            ConfirmOutcome::TiedToOther => Err(CallbackRefusal::TiedToAnother.into()),
            ConfirmOutcome::Unknown => Err(CallbackRefusal::TicketRefused.into()),
        }
    }
}

/// Returns the installation of the confirmation that the ticket belongs to.
fn installation_of(issued: &IssuedState, ticket: &Ticket) -> Option<InstallationId> {
    let ticket = ticket.digest();
    let answered = issued.answered.map(|answered| answered.question);
    let mut questions = issued.pending.iter().copied().chain(answered);
    questions.find(|question| question.ticket.matches(&ticket)).map(|question| question.claim.installation)
}
