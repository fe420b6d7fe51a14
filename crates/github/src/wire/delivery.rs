//! GitHub's log of the webhooks that it sent to the App.

use dockline::ports::LoggedDelivery;
use dockline::{AccountId, AppId, InstallationId, InstallerRecord};
use serde::Deserialize;
use serde::de::IgnoredAny;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::id_out_of_range;
use crate::error::GithubError;
use crate::operations::DeliveryRecord;

const EVENT: &str = "installation";
const ACTION: &str = "created";

/// An entry of the list, to find a delivery.
#[derive(Deserialize)]
pub(crate) struct DeliveryWire {
    pub(crate) id: u64,
    event: String,
    action: Option<String>,
    installation_id: Option<u64>,
}

impl DeliveryWire {
    /// Whether it is the `installation.created` delivery of this installation.
    pub(crate) fn creates(&self, installation: InstallationId) -> bool {
        self.event == EVENT
            && self.action.as_deref() == Some(ACTION)
            && self.installation_id == Some(installation.get())
    }
}

/// An entry of the list, for operators.
#[derive(Deserialize)]
pub(crate) struct RecordWire {
    id: u64,
    event: String,
    delivered_at: String,
    status: String,
    status_code: u16,
}

impl TryFrom<RecordWire> for DeliveryRecord {
    type Error = GithubError;

    fn try_from(wire: RecordWire) -> Result<Self, GithubError> {
        Ok(Self {
            id: wire.id,
            event: wire.event,
            delivered_at: time_of(&wire.delivered_at)?,
            status_code: wire.status_code,
            status: wire.status,
        })
    }
}

/// An entry of the list, to find failed deliveries.
#[derive(Deserialize)]
pub(crate) struct LoggedWire {
    id: u64,
    guid: String,
    delivered_at: String,
    status_code: u16,
    event: String,
    action: Option<String>,
    installation_id: Option<u64>,
}

impl TryFrom<LoggedWire> for LoggedDelivery {
    type Error = GithubError;

    fn try_from(wire: LoggedWire) -> Result<Self, GithubError> {
        Ok(Self {
            id: wire.id,
            guid: wire.guid,
            delivered_at: time_of(&wire.delivered_at)?,
            status: wire.status_code,
            event: wire.event,
            action: wire.action,
            installation: wire
                .installation_id
                .map(InstallationId::new)
                .transpose()
                .map_err(|_| id_out_of_range())?,
        })
    }
}

fn time_of(text: &str) -> Result<OffsetDateTime, GithubError> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| GithubError::invalid_response("a delivery with an invalid time"))
}

/// One delivery with its payload.
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
    installation: CreatedInstallationWire,
    sender: SenderWire,
}

#[derive(Deserialize)]
struct CreatedInstallationWire {
    id: u64,
    app_id: u64,
    #[serde(default)]
    permissions: PermissionsWire,
}

#[derive(Deserialize, Default)]
struct PermissionsWire {
    members: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct SenderWire {
    id: u64,
}

impl SentWire {
    /// Returns who created `installation` of `app`; `None` if GitHub kept no payload. A payload about anything
    /// else contradicts the list and is an error.
    pub(crate) fn installer(
        self,
        installation: InstallationId,
        app: AppId,
    ) -> Result<Option<InstallerRecord>, GithubError> {
        let Some(payload) = self.request.payload else { return Ok(None) };
        let subject = (self.event.as_str(), payload.action.as_str(), payload.installation.id);
        if subject != (EVENT, ACTION, installation.get()) || payload.installation.app_id != app.get() {
            return Err(GithubError::invalid_response("another delivery than the requested one"));
        }
        let installer = AccountId::new(payload.sender.id).map_err(|_| id_out_of_range())?;
        let members_permission = payload.installation.permissions.members.is_some();
        Ok(Some(InstallerRecord { installer, members_permission }))
    }
}
