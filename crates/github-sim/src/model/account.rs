//! Users, organizations and enterprises, and who belongs where.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Model;
use super::repository::{NewRepository, Repository, RepositoryChange, check_branch, check_name};
use crate::error::SimError;

/// What sort of account.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// A person.
    User,
    /// An organization, which has members.
    Organization,
    /// An enterprise: it has a slug instead of a login.
    Enterprise,
}

impl AccountKind {
    /// The spelling of `type` and `target_type` in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Organization => "Organization",
            Self::Enterprise => "Enterprise",
        }
    }
}

/// What a member of an organization may do there.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An owner.
    Admin,
    /// Anybody else.
    Member,
}

/// Whether an invitation to an organization was accepted.
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
    /// An enterprise's slug.
    pub(crate) login: String,
    pub(crate) repositories: Vec<Repository>,
    /// Users who may read at least one repository without being members.
    pub(crate) collaborators: BTreeSet<u64>,
    pub(crate) created_at: OffsetDateTime,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership {
    pub(crate) role: Role,
    pub(crate) state: MembershipState,
}

impl Account {
    pub(crate) fn repository(&self, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn check_free(&self, name: &str) -> Result<(), SimError> {
        match self.repository(name) {
            Some(_) => Err(SimError::Taken(name.to_owned())),
            None => Ok(()),
        }
    }
}

impl Model {
    pub(crate) fn create_account(
        &mut self,
        kind: AccountKind,
        login: &str,
        now: OffsetDateTime,
    ) -> Result<u64, SimError> {
        self.check_free(login)?;
        // The steps are wide so that a test with some hundred accounts passes 2^31, as GitHub has.
        let id = 150_000_011 + self.given.accounts * 20_000_003;
        self.given.accounts += 1;
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

    pub(super) fn check_free(&self, login: &str) -> Result<(), SimError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if login.is_empty() || login.len() > 39 || !login.bytes().all(fits) {
            return Err(SimError::Invalid("a login is 1 to 39 letters, digits, hyphens or underscores"));
        }
        match self.account_by_login(login) {
            Some(_) => Err(SimError::Taken(login.to_owned())),
            None => Ok(()),
        }
    }

    pub(crate) fn account(&self, id: u64) -> Option<&Account> {
        self.accounts.get(&id)
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// Logins do not mind case.
    pub(crate) fn account_by_login(&self, login: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.login.eq_ignore_ascii_case(login))
    }

    pub(crate) fn id_of(&self, login: &str) -> Result<u64, SimError> {
        let unknown = || SimError::UnknownAccount(login.to_owned());
        self.account_by_login(login).map(|account| account.id).ok_or_else(unknown)
    }

    pub(crate) fn id_of_kind(
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

    pub(crate) fn set_membership(
        &mut self,
        organization: &str,
        user: &str,
        membership: Option<Membership>,
    ) -> Result<(), SimError> {
        let key = (
            self.id_of_kind(organization, AccountKind::Organization, "an organization")?,
            self.user_id(user)?,
        );
        match membership {
            Some(membership) => self.memberships.insert(key, membership),
            None => self.memberships.remove(&key),
        };
        Ok(())
    }

    pub(crate) fn membership(&self, organization: u64, user: u64) -> Option<Membership> {
        self.memberships.get(&(organization, user)).copied()
    }

    pub(crate) fn memberships(&self) -> impl Iterator<Item = (u64, u64, Membership)> {
        self.memberships.iter().map(|(&(organization, user), &membership)| (organization, user, membership))
    }

    pub(crate) fn create_repository(
        &mut self,
        owner: &str,
        new: NewRepository,
        now: OffsetDateTime,
    ) -> Result<u64, SimError> {
        let owner = self.id_of(owner)?;
        check_name(&new.name)?;
        check_branch(&new.default_branch)?;
        let id = 900_000_001 + self.given.repositories * 11;
        if let Some(account) = self.accounts.get_mut(&owner) {
            account.check_free(&new.name)?;
            account.repositories.push(Repository {
                id,
                name: new.name,
                private: new.private,
                default_branch: new.default_branch,
                language: new.language,
                created_at: now,
                updated_at: now,
            });
            self.given.repositories += 1;
        }
        Ok(id)
    }

    /// The repository and its owner.
    pub(crate) fn repository(&self, id: u64) -> Option<(&Account, &Repository)> {
        let own =
            |account: &'_ Account| account.repositories.iter().position(|repository| repository.id == id);
        self.accounts().find_map(|account| Some((account, account.repositories.get(own(account)?)?)))
    }

    /// Names do not mind case either.
    pub(crate) fn repository_by_name(&self, owner: &str, name: &str) -> Option<(&Account, &Repository)> {
        let account = self.account_by_login(owner)?;
        account.repository(name).map(|repository| (account, repository))
    }

    pub(crate) fn change_repository(
        &mut self,
        id: u64,
        change: RepositoryChange,
        now: OffsetDateTime,
    ) -> Result<(), SimError> {
        let unknown = || SimError::UnknownRepository(id.to_string());
        let (owner, present) = self.repository(id).ok_or_else(unknown)?;
        if let Some(name) = &change.name {
            check_name(name)?;
            if !present.name.eq_ignore_ascii_case(name) {
                owner.check_free(name)?;
            }
        }
        change.default_branch.as_deref().map(check_branch).transpose()?;
        let owner = owner.id;
        let repositories = self.accounts.get_mut(&owner).map(|account| &mut account.repositories);
        let repository = repositories
            .and_then(|all| all.iter_mut().find(|repository| repository.id == id))
            .ok_or_else(unknown)?;
        repository.name = change.name.unwrap_or_else(|| repository.name.clone());
        repository.private = change.private.unwrap_or(repository.private);
        repository.default_branch =
            change.default_branch.unwrap_or_else(|| repository.default_branch.clone());
        repository.language = change.language.unwrap_or_else(|| repository.language.clone());
        repository.updated_at = now;
        Ok(())
    }

    pub(crate) fn add_collaborator(&mut self, owner: &str, user: &str) -> Result<(), SimError> {
        let (owner, user) = (self.id_of(owner)?, self.user_id(user)?);
        if let Some(account) = self.accounts.get_mut(&owner) {
            account.collaborators.insert(user);
        }
        Ok(())
    }

    /// Whether `user` may install Apps on `account`.
    pub(crate) fn administers(&self, user: u64, account: u64) -> bool {
        let owner = Some((Role::Admin, MembershipState::Active));
        user == account || self.membership(account, user).map(|m| (m.role, m.state)) == owner
    }

    /// Whether `user` belongs to `account`, in any role.
    pub(crate) fn belongs(&self, user: u64, account: u64) -> bool {
        user == account || self.membership(account, user).is_some_and(|m| m.state == MembershipState::Active)
    }

    /// Whether `user` has explicit access to something of `account`.
    pub(crate) fn sees(&self, user: u64, account: u64) -> bool {
        let collaborates = || self.account(account).is_some_and(|a| a.collaborators.contains(&user));
        self.belongs(user, account) || collaborates()
    }

    /// The accounts that the install page offers: the user's own first, then their organizations.
    pub(crate) fn accounts_of(&self, user: u64) -> Vec<&Account> {
        let own = self.account(user);
        let organizations =
            self.accounts().filter(|account| account.id != user && self.belongs(user, account.id));
        own.into_iter().chain(organizations).collect()
    }

    pub(crate) fn default_user(&self) -> Option<u64> {
        self.default_user
    }

    pub(crate) fn set_default_user(&mut self, login: Option<&str>) -> Result<(), SimError> {
        self.default_user = login.map(|login| self.user_id(login)).transpose()?;
        Ok(())
    }
}
