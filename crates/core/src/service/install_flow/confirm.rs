use super::redirect::ReturnRedirect;
use super::ways_out::{Stop, Stopped};
use crate::error::{CallbackError, CallbackRefusal};
use crate::model::{BrowserSecret, PendingConfirmation, Ticket};
use crate::ports::{ConfirmOutcome, Event};
use crate::service::Dockline;

/// The visitor's answer to the confirmation page, as received.
#[derive(Debug, Clone, Copy)]
pub struct ConfirmationAnswer<'a> {
    /// The form's `state`.
    pub state: Option<&'a str>,
    /// The form's ticket.
    pub ticket: &'a Ticket,
    /// The cookie of the question, which is named by the ticket.
    pub browser: Option<&'a BrowserSecret>,
    /// `true` for Confirm, `false` for Cancel.
    pub confirmed: bool,
}

impl Dockline {
    /// Handles the visitor's answer to the confirmation page, and returns the redirect to the product. The answer must
    /// have the ticket of a pending confirmation and come from the browser that was asked. Confirm ties the state to the
    /// installation; Cancel revokes the state. A second answer to the same question returns the redirect of the first,
    /// whichever button it was.
    ///
    /// # Errors
    /// See [`CallbackError`]. After an infrastructure failure the same answer may be sent again.
    pub async fn confirm(&self, answer: ConfirmationAnswer<'_>) -> Result<ReturnRedirect, CallbackError> {
        let mut stopped = Stopped::default();
        let mut outcome = self.try_confirm(&answer, &mut stopped).await;
        if let Ok(None) = outcome {
            // Another answer was faster, and is stored by now.
            outcome = self.try_confirm(&answer, &mut stopped).await;
        }
        let redirect = outcome.and_then(|redirect| redirect.ok_or(CallbackRefusal::TicketRefused.into()));
        redirect.map_err(|stop| self.refuse(stop, stopped))
    }

    /// Returns `None` if the question was answered or replaced while this answer was handled.
    async fn try_confirm(
        &self,
        answer: &ConfirmationAnswer<'_>,
        stopped: &mut Stopped,
    ) -> Result<Option<ReturnRedirect>, Stop> {
        let (state, issued) = self.find_state(answer.state.unwrap_or_default()).await?;
        let (state, issued) = &*stopped.known.insert((state, issued));
        let ticket = answer.ticket.digest();
        if let Some(answered) = issued.answered.filter(|answered| answered.question.ticket.matches(&ticket)) {
            let installation = answered.question.claim.installation;
            stopped.installation = Some(installation);
            same_browser(&answered.question, answer.browser)?;
            return Ok(Some(if answered.confirmed {
                ReturnRedirect::connected(issued, state, installation, answered.question.setup_action)
            } else {
                ReturnRedirect::denied(issued, state)
            }));
        }
        let pending = issued.pending.iter().find(|pending| pending.ticket.matches(&ticket)).copied();
        stopped.installation = pending.map(|pending| pending.claim.installation);
        if issued.revoked {
            return Err(CallbackRefusal::RevokedState.into());
        }
        if !issued.is_live(self.now()) {
            return Err(CallbackRefusal::ExpiredState.into());
        }
        let pending = pending.ok_or(CallbackRefusal::TicketRefused)?;
        same_browser(&pending, answer.browser)?;
        let installation = pending.claim.installation;
        if !answer.confirmed {
            if !self.0.ports.states.revoke(&issued.digest, Some(ticket)).await? {
                return Ok(None);
            }
            let organization = issued.organization.clone();
            self.record(&Event::Cancelled { organization, installation });
            return Ok(Some(ReturnRedirect::denied(issued, state)));
        }
        let claim = self.claim_to_store(&issued.organization, pending.claim).await??;
        match self.0.ports.states.confirm_claim(&issued.digest, Some(ticket), claim).await? {
            ConfirmOutcome::Tied | ConfirmOutcome::AlreadyTied => {
                self.record_confirmed(issued, &claim);
                let redirect = ReturnRedirect::connected(issued, state, installation, pending.setup_action);
                Ok(Some(redirect))
            }
            ConfirmOutcome::TiedToOther => Err(CallbackRefusal::TiedToAnother.into()),
            ConfirmOutcome::Unknown => Ok(None),
        }
    }
}

/// Refuses an answer from another browser than the one that was asked.
fn same_browser(
    question: &PendingConfirmation,
    browser: Option<&BrowserSecret>,
) -> Result<(), CallbackRefusal> {
    if browser.is_some_and(|browser| question.browser.matches(&browser.digest())) {
        Ok(())
    } else {
        Err(CallbackRefusal::OtherBrowser)
    }
}
