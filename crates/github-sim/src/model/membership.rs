//! Members, administrators and collaborators of accounts.

use super::Model;
use super::account::{Account, AccountKind, Membership, MembershipState, Role};
use crate::error::SimError;

const ACTIVE_OWNER: Membership = Membership { role: Role::Admin, state: MembershipState::Active };

impl Model {
    pub(crate) fn set_membership(
        &mut self,
        organization: &str,
        user: &str,
        membership: Option<Membership>,
    ) -> Result<(), SimError> {
        let organization = self.id_of_kind(organization, AccountKind::Organization, "an organization")?;
        let key = (organization, self.user_id(user)?);
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

    pub(crate) fn add_collaborator(&mut self, owner: &str, user: &str) -> Result<(), SimError> {
        let (owner, user) = (self.id_of(owner)?, self.user_id(user)?);
        if let Some(account) = self.accounts.get_mut(&owner) {
            account.collaborators.insert(user);
        }
        Ok(())
    }

    /// Returns whether `user` can install Apps on `account`.
    pub(crate) fn administers(&self, user: u64, account: u64) -> bool {
        user == account || self.membership(account, user) == Some(ACTIVE_OWNER)
    }

    /// Returns whether `user` is `account` or an active member of it.
    pub(crate) fn belongs_to(&self, user: u64, account: u64) -> bool {
        user == account || self.membership(account, user).is_some_and(|m| m.state == MembershipState::Active)
    }

    /// Returns whether `user` has explicit access to something of `account`.
    pub(crate) fn has_access(&self, user: u64, account: u64) -> bool {
        let collaborates = || self.account(account).is_some_and(|a| a.collaborators.contains(&user));
        self.belongs_to(user, account) || collaborates()
    }

    /// Returns the accounts that the install page offers: the user's own first, then their organizations.
    pub(crate) fn accounts_of(&self, user: u64) -> Vec<&Account> {
        let own = self.account(user);
        let organizations =
            self.accounts().filter(|account| account.id != user && self.belongs_to(user, account.id));
        own.into_iter().chain(organizations).collect()
    }

    /// Returns the user, or the first owner of the organization.
    pub(super) fn owner_of(&self, account: u64) -> Option<u64> {
        if self.account(account)?.kind == AccountKind::User {
            return Some(account);
        }
        let owner =
            |(of, _, membership): &(u64, u64, Membership)| *of == account && *membership == ACTIVE_OWNER;
        self.memberships().find(owner).map(|(_, user, _)| user)
    }
}
