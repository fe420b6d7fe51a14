//! The cases of [`Directory`]. [`directory_suite!`](crate::directory_suite) runs them.

use std::fmt::Debug;

use dockline::ports::{BindingRepo, Directory, DirectoryQuery, InsertOutcome};
use dockline::{Account, AccountKind, Binding, NewBinding};

use crate::fixtures::{account_id, binding_of, digest};
use crate::runner::suite;

pub mod facts;
pub mod history;
pub mod list;

/// A directory and the repository whose bindings it lists.
pub trait DirectoryDriver: Debug + Send + Sync + 'static {
    /// Returns the repository.
    fn bindings(&self) -> &dyn BindingRepo;

    /// Returns the adapter under test.
    fn directory(&self) -> &dyn Directory;
}

suite! {
    /// Makes one `#[test]` per case of [`Directory`](crate::dockline::ports::Directory) in a module `directory`. The adapter
    /// is a [`DirectoryDriver`](crate::directory::DirectoryDriver).
    directory_suite, directory, DirectoryDriver: list, history, facts
}

/// A binding to an installation on an account of its own: `number` with the login `login`.
pub(crate) fn on_account(organization: &str, number: u64, login: &str) -> NewBinding {
    NewBinding {
        account: Account { id: account_id(number), login: login.into(), kind: AccountKind::Organization },
        ..binding_of(organization, number, digest(&format!("state {organization} {number}")))
    }
}

pub(crate) async fn bind(repo: &dyn BindingRepo, new: NewBinding) -> Binding {
    let outcome = repo.insert(new).await.unwrap();
    let InsertOutcome::Inserted(binding) = outcome else { unreachable!("must be inserted: {outcome:?}") };
    binding
}

/// Lists everything that meets the query, and returns the organizations.
pub(crate) async fn organizations(driver: &dyn DirectoryDriver, query: &DirectoryQuery) -> Vec<String> {
    let found = driver.directory().list(query, 1_000).await.unwrap();
    found.iter().map(|binding| binding.organization.to_string()).collect()
}
