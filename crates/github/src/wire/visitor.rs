//! The visitor, and the exchange of their code.

use dockline::{AccountId, Membership};
use serde::Deserialize;

use super::id_out_of_range;
use crate::error::GithubError;

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
    /// Compares the organization by id: between two calls its login may have passed to another organization. A user
    /// who is invited and has not accepted is an outsider.
    pub(crate) fn membership(&self, organization: AccountId) -> Membership {
        if self.state != "active" || self.organization.id != organization.get() {
            return Membership::Outsider;
        }
        if self.role == "admin" { Membership::Administrator } else { Membership::Member }
    }
}

/// The response to the exchange, which is 200 for success and error alike.
#[derive(Deserialize)]
pub(crate) struct ExchangeWire {
    pub(crate) access_token: Option<String>,
    pub(crate) error: Option<String>,
}
