//! What changed: everything that GitHub tells Apps about, with the installation as it was at that moment.

use super::Model;
use super::account::{AccountKind, MembershipState, Repository, Role};
use super::installation::{Installation, Selection};

/// Who made a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Actor {
    Person(u64),
    /// The App itself, by the REST API.
    App,
}

/// What became of an installation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Created,
    Deleted,
    Suspended,
    Unsuspended,
    PermissionsAccepted,
}

/// A repository with the name that it had then.
#[derive(Clone, Debug)]
pub(crate) struct NamedRepository {
    pub(crate) repository: Repository,
    pub(crate) full_name: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Installation {
        step: Step,
        installation: Installation,
        sender: Actor,
    },
    RepositoriesAdded {
        installation: Installation,
        repositories: Vec<NamedRepository>,
        sender: Actor,
    },
    RepositoriesRemoved {
        installation: Installation,
        repositories: Vec<NamedRepository>,
        sender: Actor,
    },
    Renamed {
        installation: Installation,
        from: String,
        sender: Option<u64>,
    },
    AuthorizationRevoked {
        app_id: u64,
        user: u64,
    },
    /// The App's webhook is tried out.
    Ping {
        app_id: u64,
    },
}

impl Model {
    pub(super) fn changed(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// What changed since this was asked last, oldest first.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The repositories that an installation reaches.
    pub(crate) fn reached(&self, installation: &Installation) -> Vec<NamedRepository> {
        let Some(account) = self.account(installation.account) else { return Vec::new() };
        let reached = |repository: &&Repository| match &installation.selection {
            Selection::All => true,
            Selection::Selected(ids) => ids.contains(&repository.id),
        };
        let named = |repository: &Repository| NamedRepository {
            full_name: format!("{}/{}", account.login, repository.name),
            repository: repository.clone(),
        };
        account.repositories.iter().filter(reached).map(named).collect()
    }

    /// Who acts where only the installation is known: an owner of its account, else whoever installed it.
    pub(super) fn someone(&self, installation: &Installation) -> Actor {
        Actor::Person(self.owner_of(installation.account).unwrap_or(installation.installed_by))
    }

    /// Somebody who may act for the account: the person, or the organization's first owner.
    pub(super) fn owner_of(&self, account: u64) -> Option<u64> {
        if self.account(account)?.kind == AccountKind::User {
            return Some(account);
        }
        let owner = (Role::Admin, MembershipState::Active);
        let mut members = self.memberships();
        members.find(|(of, _, m)| *of == account && (m.role, m.state) == owner).map(|(_, user, _)| user)
    }
}
