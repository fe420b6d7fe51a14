//! Pushes to repositories.

use std::sync::Arc;

use super::Model;
use super::change::Change;

/// A change of a branch or a tag.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    /// The full name, such as `refs/heads/main`.
    pub(crate) name: String,
    /// What it pointed to. `None` if it is new.
    pub(crate) before: Option<String>,
    /// What it points to. `None` if it was deleted.
    pub(crate) after: Option<String>,
    /// Whether commits were removed from it.
    pub(crate) forced: bool,
    /// The commits that are new in the repository, oldest first.
    pub(crate) commits: Vec<Commit>,
    /// The commit that it points to.
    pub(crate) head: Option<Commit>,
}

/// Who pushed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pusher {
    /// A user, by id.
    User(u64),
    /// An App with a token of an installation, by id.
    App(u64),
}

#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) id: String,
    pub(crate) tree: String,
    /// When it was committed, in RFC 3339.
    pub(crate) at: String,
    pub(crate) author: Person,
    pub(crate) committer: Person,
    pub(crate) message: String,
    pub(crate) added: Vec<String>,
    pub(crate) modified: Vec<String>,
    pub(crate) removed: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
}

impl Model {
    /// Records pushes for each installation that can access the repository and subscribes to `push`.
    pub(crate) fn record_pushes(&mut self, repository: u64, pusher: Pusher, pushes: &[Push]) {
        let Some((owner, repository)) = self.repository_by_id(repository) else { return };
        let (owner, repository) = (owner.id, repository.clone());
        let subscribed = self.installations().filter(|installation| {
            installation.account == owner
                && installation.selection.covers(repository.id)
                && installation.events.iter().any(|event| event == "push")
        });
        let subscribed: Vec<_> = subscribed.cloned().collect();
        for push in pushes.iter().cloned().map(Arc::new) {
            for installation in subscribed.iter().cloned() {
                let (repository, push) = (repository.clone(), Arc::clone(&push));
                self.record_change(Change::Pushed { installation, repository, push, pusher });
            }
        }
    }
}
