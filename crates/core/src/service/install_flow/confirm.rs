use super::callback::ReturnRedirect;
use crate::error::{CallbackRefusal, PortError};
use crate::model::{BrowserSecret, Ticket};
use crate::ports::{ConfirmOutcome, Event};
use crate::service::Dockline;

/// A visitor's answer on the confirmation page, as it came.
#[derive(Debug, Clone, Copy)]
pub struct ConfirmationAnswer<'a> {
    /// The form's `state`.
    pub state: Option<&'a str>,
    /// The form's ticket.
    pub ticket: &'a Ticket,
    /// The browser's cookie.
    pub browser: Option<&'a BrowserSecret>,
    /// Confirm, or Cancel.
    pub confirmed: bool,
}

/// What becomes of an answer.
#[derive(Debug)]
pub enum ConfirmationOutcome {
    /// Send the browser on: after Confirm with the installation, after Cancel with `error=access_denied`.
    Redirect(ReturnRedirect),
    /// Turn it away; nothing was changed.
    Refused(CallbackRefusal),
}

impl Dockline {
    /// A visitor answers the confirmation page. Only Confirm, from the browser that was asked, with the ticket of the
    /// open question, ties the state to the installation; Cancel uses the state up (L-67).
    ///
    /// # Errors
    /// Infrastructure only; the same answer may be given again.
    pub async fn confirm(&self, answer: ConfirmationAnswer<'_>) -> Result<ConfirmationOutcome, PortError> {
        let (state, issued) = match self.issued(answer.state).await? {
            Ok(found) => found,
            Err(reason) => return Ok(self.turn_away(None, reason)),
        };
        let ticket = answer.ticket.digest();
        let Some(pending) = issued.pending.filter(|pending| pending.ticket.matches(&ticket)) else {
            return Ok(self.turn_away(Some(&issued), CallbackRefusal::TicketRefused));
        };
        if !answer.browser.is_some_and(|browser| pending.browser.matches(&browser.digest())) {
            return Ok(self.turn_away(Some(&issued), CallbackRefusal::OtherBrowser));
        }
        let states = &self.ports.states;
        if !answer.confirmed {
            if !states.revoke(&issued.digest, Some(&ticket)).await? {
                return Ok(self.turn_away(Some(&issued), CallbackRefusal::TicketRefused));
            }
            let (organization, installation) = (issued.organization.clone(), pending.claim.installation);
            self.record(&Event::Cancelled { organization, installation });
            let parameters = [("error", "access_denied"), ("state", state.expose())];
            return Ok(ConfirmationOutcome::Redirect(ReturnRedirect::to(&issued, &parameters)));
        }
        let Some(claim) = self.settle(pending.claim).await? else {
            return Ok(self.turn_away(Some(&issued), CallbackRefusal::NotAdministered));
        };
        Ok(match states.confirm_claim(&issued.digest, Some(&ticket), claim).await? {
            ConfirmOutcome::Tied | ConfirmOutcome::AlreadyTied => {
                self.record_confirmed(&issued, &claim);
                ConfirmationOutcome::Redirect(ReturnRedirect::connected(
                    &issued,
                    &state,
                    claim.installation,
                    pending.setup_action,
                ))
            }
            ConfirmOutcome::TiedToOther => self.turn_away(Some(&issued), CallbackRefusal::TiedToAnother),
            ConfirmOutcome::Unknown => self.turn_away(Some(&issued), CallbackRefusal::TicketRefused),
        })
    }

    fn turn_away(
        &self,
        issued: Option<&crate::model::IssuedState>,
        reason: CallbackRefusal,
    ) -> ConfirmationOutcome {
        self.record(&Event::CallbackRefused {
            organization: issued.map(|issued| issued.organization.clone()),
            installation: issued.and_then(|issued| issued.pending).map(|pending| pending.claim.installation),
            reason,
        });
        ConfirmationOutcome::Refused(reason)
    }
}
