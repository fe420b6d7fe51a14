//! Changes that become webhook events, each with the installation at the time of the change.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Model;
use super::installation::Installation;
use super::push::{Push, Pusher};
use super::repository::Repository;

/// The actor of a change, which webhooks call sender.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sender {
    /// A user, by id.
    User(u64),
    /// The App, through the REST API.
    App,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum InstallationAction {
    Created,
    Deleted,
    Suspended,
    Unsuspended,
    PermissionsAccepted,
}

/// A repository with its full name at the time of the change.
#[derive(Clone, Debug)]
pub(crate) struct NamedRepository {
    pub(crate) repository: Repository,
    pub(crate) full_name: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Installation {
        action: InstallationAction,
        installation: Installation,
        sender: Sender,
    },
    RepositoriesAdded {
        installation: Installation,
        repositories: Vec<NamedRepository>,
        sender: Sender,
    },
    RepositoriesRemoved {
        installation: Installation,
        repositories: Vec<NamedRepository>,
        sender: Sender,
    },
    /// The account of an installation has a new login.
    Renamed {
        installation: Installation,
        from: String,
        sender: Option<u64>,
    },
    AuthorizationRevoked {
        app_id: u64,
        user: u64,
    },
    /// An event with a payload from outside.
    Custom {
        installation: Installation,
        event: String,
        payload: Map<String, Value>,
    },
    Pushed {
        installation: Installation,
        repository: Repository,
        push: Arc<Push>,
        pusher: Pusher,
    },
    Ping {
        app_id: u64,
    },
}

impl Model {
    pub(super) fn record_change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Returns the changes since the last call, oldest first.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }
}
