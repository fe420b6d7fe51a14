//! Users, organizations and enterprises.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Model;
use super::change::Change;
use super::repository::Repository;
use crate::error::SimError;

/// The kind of an account.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// A user.
    User,
    /// An organization, which has members.
    Organization,
    /// An enterprise, which has a slug instead of a login.
    Enterprise,
}

impl AccountKind {
    /// Returns the value of `type` and `target_type` in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Organization => "Organization",
            Self::Enterprise => "Enterprise",
        }
    }
}

/// The role of a member in an organization.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An owner.
    Admin,
    /// A member who is not an owner.
    Member,
}

/// Whether a user accepted the invitation to an organization.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MembershipState {
    /// Accepted.
    #[default]
    Active,
    /// Invited.
    Pending,
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) kind: AccountKind,
    /// The slug, if it is an enterprise.
    pub(crate) login: String,
    pub(crate) repositories: Vec<Repository>,
    /// Users with read access to a repository who are not members.
    pub(crate) collaborators: BTreeSet<u64>,
    pub(crate) created_at: OffsetDateTime,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Membership {
    pub(crate) role: Role,
    pub(crate) state: MembershipState,
}

impl Model {
    pub(crate) fn create_account(
        &mut self,
        kind: AccountKind,
        login: &str,
        now: OffsetDateTime,
    ) -> Result<u64, SimError> {
        self.check_login(login)?;
        // Wide steps, so that a test with some hundred accounts has ids beyond 2^31, as GitHub does.
        let id = 150_000_011 + self.issued.accounts * 20_000_003;
        self.issued.accounts += 1;
        let account = Account {
            id,
            kind,
            login: login.to_owned(),
            repositories: Vec::new(),
            collaborators: BTreeSet::new(),
            created_at: now,
        };
        self.accounts.insert(id, account);
        Ok(id)
    }

    fn check_login(&self, login: &str) -> Result<(), SimError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if login.is_empty() || login.len() > 39 || !login.bytes().all(allowed) {
            return Err(SimError::Invalid("a login has 1 to 39 letters, digits, hyphens or underscores"));
        }
        match self.account_by_login(login) {
            Some(_) => Err(SimError::Taken(login.to_owned())),
            None => Ok(()),
        }
    }

    /// Changes the login. The id stays, and other accounts can take the old login.
    pub(crate) fn rename(&mut self, login: &str, new_login: &str) -> Result<(), SimError> {
        let id = self.id_of(login)?;
        if !login.eq_ignore_ascii_case(new_login) {
            self.check_login(new_login)?;
        }
        let Some(account) = self.accounts.get_mut(&id) else { return Ok(()) };
        let from = std::mem::replace(&mut account.login, new_login.to_owned());
        if from == new_login {
            return Ok(());
        }
        let sender = self.owner_of(id);
        let installed: Vec<_> = self.installations().filter(|i| i.account == id).cloned().collect();
        for installation in installed {
            self.record_change(Change::Renamed { installation, from: from.clone(), sender });
        }
        Ok(())
    }

    pub(crate) fn account(&self, id: u64) -> Option<&Account> {
        self.accounts.get(&id)
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// Finds an account. Logins are case-insensitive.
    pub(crate) fn account_by_login(&self, login: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.login.eq_ignore_ascii_case(login))
    }

    pub(crate) fn require_account(&self, login: &str) -> Result<&Account, SimError> {
        self.account_by_login(login).ok_or_else(|| SimError::UnknownAccount(login.to_owned()))
    }

    pub(crate) fn id_of(&self, login: &str) -> Result<u64, SimError> {
        self.require_account(login).map(|account| account.id)
    }

    pub(super) fn id_of_kind(
        &self,
        login: &str,
        kind: AccountKind,
        needed: &'static str,
    ) -> Result<u64, SimError> {
        match self.account_by_login(login) {
            Some(account) if account.kind == kind => Ok(account.id),
            Some(_) => Err(SimError::WrongKind { login: login.to_owned(), needed }),
            None => Err(SimError::UnknownAccount(login.to_owned())),
        }
    }

    pub(crate) fn user_id(&self, login: &str) -> Result<u64, SimError> {
        self.id_of_kind(login, AccountKind::User, "a user")
    }

    pub(crate) fn default_user(&self) -> Option<u64> {
        self.default_user
    }

    pub(crate) fn set_default_user(&mut self, login: Option<&str>) -> Result<(), SimError> {
        self.default_user = login.map(|login| self.user_id(login)).transpose()?;
        Ok(())
    }
}
