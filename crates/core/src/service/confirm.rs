use super::{Dockline, Return};
use crate::error::{ArrivalRefusal, PortError};
use crate::model::{BrowserSecret, Ticket};
use crate::ports::{Event, Vouched};

/// A visitor's answer on the confirmation page, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
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
pub enum Reply {
    /// Send the browser on: after Confirm with the installation, after Cancel with `error=access_denied`.
    Redirect(Return),
    /// Turn it away; nothing was changed.
    Refused(ArrivalRefusal),
}

impl Dockline {
    /// A visitor answers the confirmation page. Only Confirm, from the browser that was asked, with the ticket of the
    /// open question, ties the state to the installation; Cancel uses the state up (L-67).
    ///
    /// # Errors
    /// Infrastructure only; the same answer may be given again.
    pub async fn confirm(&self, answer: Answer<'_>) -> Result<Reply, PortError> {
        let (state, issued) = match self.issued(answer.state).await? {
            Ok(found) => found,
            Err(reason) => return Ok(self.turn_away(None, reason)),
        };
        let ticket = answer.ticket.digest();
        let Some(visit) = issued.visit.filter(|visit| visit.ticket.matches(&ticket)) else {
            return Ok(self.turn_away(Some(&issued), ArrivalRefusal::TicketRefused));
        };
        if !answer.browser.is_some_and(|browser| visit.browser.matches(&browser.digest())) {
            return Ok(self.turn_away(Some(&issued), ArrivalRefusal::OtherBrowser));
        }
        let states = &self.ports.states;
        if !answer.confirmed {
            if !states.discard(&issued.digest, Some(&ticket)).await? {
                return Ok(self.turn_away(Some(&issued), ArrivalRefusal::TicketRefused));
            }
            let (organization, installation) = (issued.organization.clone(), visit.tie.installation);
            self.record(&Event::Cancelled { organization, installation });
            let parameters = [("error", "access_denied"), ("state", state.expose())];
            return Ok(Reply::Redirect(Return::to(&issued, &parameters)));
        }
        let Some(tie) = self.settle(visit.tie).await? else {
            return Ok(self.turn_away(Some(&issued), ArrivalRefusal::NotAdministered));
        };
        Ok(match states.vouch(&issued.digest, Some(&ticket), tie).await? {
            Vouched::Tied | Vouched::AlreadyTied => {
                self.record_vouched(&issued, &tie);
                Reply::Redirect(Return::connected(&issued, &state, tie.installation, visit.setup_action))
            }
            Vouched::TiedToOther => self.turn_away(Some(&issued), ArrivalRefusal::TiedToAnother),
            Vouched::Unknown => self.turn_away(Some(&issued), ArrivalRefusal::TicketRefused),
        })
    }

    fn turn_away(&self, issued: Option<&crate::model::IssuedState>, reason: ArrivalRefusal) -> Reply {
        self.record(&Event::ArrivalRefused {
            organization: issued.map(|issued| issued.organization.clone()),
            installation: issued.and_then(|issued| issued.visit).map(|visit| visit.tie.installation),
            reason,
        });
        Reply::Refused(reason)
    }
}
