//! The visitor, and the exchange of their code.

use dockline::AccountId;
use serde::Deserialize;

use super::id_out_of_range;
use crate::github_error::GithubError;

#[derive(Deserialize)]
pub(crate) struct UserWire {
    id: u64,
}

impl TryFrom<UserWire> for AccountId {
    type Error = GithubError;

    fn try_from(wire: UserWire) -> Result<Self, GithubError> {
        Self::new(wire.id).map_err(|_| id_out_of_range())
    }
}

#[derive(Deserialize)]
pub(crate) struct MembershipWire {
    state: String,
    role: String,
    organization: UserWire,
}

impl MembershipWire {
    /// Compares the organization by id: between two calls its login may have passed to another organization.
    pub(crate) fn administers(&self, organization: AccountId) -> bool {
        self.state == "active" && self.role == "admin" && self.organization.id == organization.get()
    }
}

/// The response to the exchange, which is 200 for success and error alike.
#[derive(Deserialize)]
pub(crate) struct ExchangeWire {
    pub(crate) access_token: Option<String>,
    pub(crate) error: Option<String>,
}
