//! Who the visitor is, and what the exchange of their code gave.

use dockline::AccountId;
use serde::Deserialize;

use super::out_of_range::out_of_range;
use crate::fault::GithubFault;

#[derive(Deserialize)]
pub(crate) struct UserWire {
    id: u64,
}

impl TryFrom<UserWire> for AccountId {
    type Error = GithubFault;

    fn try_from(wire: UserWire) -> Result<Self, GithubFault> {
        Self::new(wire.id).map_err(|_| out_of_range())
    }
}

#[derive(Deserialize)]
pub(crate) struct MembershipWire {
    state: String,
    role: String,
    organization: UserWire,
}

impl MembershipWire {
    /// The organization is compared by number: between two calls its name may have gone to another (lesson L-53).
    pub(crate) fn administers(&self, organization: AccountId) -> bool {
        self.state == "active" && self.role == "admin" && self.organization.id == organization.get()
    }
}

/// The exchange's answer, 200 in either case. Both fields may be absent; neither may be of another type.
#[derive(Deserialize)]
pub(crate) struct ExchangeWire {
    pub(crate) access_token: Option<String>,
    pub(crate) error: Option<String>,
}
