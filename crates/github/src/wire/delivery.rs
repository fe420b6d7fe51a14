//! GitHub's record of the webhooks that it sent to our App.

use dockline::{AccountId, AppId, InstallationId};
use serde::Deserialize;

use super::out_of_range::out_of_range;
use crate::fault::GithubFault;

const EVENT: &str = "installation";
const ACTION: &str = "created";

/// An entry of the list.
#[derive(Deserialize)]
pub(crate) struct DeliveryWire {
    pub(crate) id: u64,
    event: String,
    action: Option<String>,
    installation_id: Option<u64>,
}

impl DeliveryWire {
    /// Whether it told of the birth of `installation`.
    pub(crate) fn tells_of(&self, installation: InstallationId) -> bool {
        self.event == EVENT
            && self.action.as_deref() == Some(ACTION)
            && self.installation_id == Some(installation.get())
    }
}

/// One delivery, with what was sent.
#[derive(Deserialize)]
pub(crate) struct SentWire {
    event: String,
    request: RequestWire,
}

#[derive(Deserialize)]
struct RequestWire {
    payload: Option<CreatedWire>,
}

#[derive(Deserialize)]
struct CreatedWire {
    action: String,
    installation: BornWire,
    sender: SenderWire,
}

#[derive(Deserialize)]
struct BornWire {
    id: u64,
    app_id: u64,
}

#[derive(Deserialize)]
struct SenderWire {
    id: u64,
}

impl SentWire {
    /// Who made `installation` of `app`; `None` where GitHub kept no payload. One about anything else contradicts the
    /// list that it was found in, and is believed in nothing (lesson L-64).
    pub(crate) fn installer(
        self,
        installation: InstallationId,
        app: AppId,
    ) -> Result<Option<AccountId>, GithubFault> {
        let Some(payload) = self.request.payload else { return Ok(None) };
        let told = (self.event.as_str(), payload.action.as_str(), payload.installation.id);
        if told != (EVENT, ACTION, installation.get()) || payload.installation.app_id != app.get() {
            return Err(GithubFault::not_githubs("another delivery than the one asked for"));
        }
        AccountId::new(payload.sender.id).map(Some).map_err(|_| out_of_range())
    }
}
