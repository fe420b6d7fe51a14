//! The cases of [`BindingRepo`]. [`binding_repo_suite!`](crate::binding_repo_suite) runs them.

#[doc(no_inline)]
pub use dockline::ports::BindingRepo;
use dockline::ports::{InsertOutcome, Observation, ObserveOutcome};
use dockline::{Binding, InstallationRecord, Life, NewBinding, Presence, Status, UninstalledBy};
use time::{Duration, OffsetDateTime};

use crate::runner::suite;

pub mod bound;
pub mod dropped;
pub mod due;
pub mod insert;
pub mod installation;
pub mod kept;
pub mod observation_races;
pub mod observe;
pub mod observe_outcomes;
pub mod presence;
pub mod races;
mod reference;
pub mod release;
pub mod sequences;
pub mod times;

pub(crate) use crate::fixtures::{
    NOON, account, account_id, actor, installation, installer_record, organization, seconds,
};

suite! {
    /// Makes one `#[test]` per case of [`BindingRepo`](crate::dockline::ports::BindingRepo) in a module `binding_repo`.
    binding_repo_suite, binding_repo, BindingRepo:
    insert, observe, observe_outcomes, presence, bound, installation, due, release, times, kept, dropped, sequences, races,
    observation_races
}

pub(crate) fn new_binding(organization: &str, number: u64, state: &str) -> NewBinding {
    crate::fixtures::binding_of(organization, number, crate::fixtures::digest(state))
}

/// The time between two looks at a binding that GitHub shows.
pub(crate) const INTERVAL: Duration = Duration::HOUR;

pub(crate) fn present(status: Status, login: &str, asked_at: OffsetDateTime) -> Observation {
    Observation::Present { status, account: account(login), asked_at, next_look_at: asked_at + INTERVAL }
}

pub(crate) const fn missing(asked_at: OffsetDateTime) -> Observation {
    Observation::Missing { asked_at }
}

pub(crate) const fn deleted(at: OffsetDateTime) -> Observation {
    Observation::Deleted { at }
}

/// The life of an installation that GitHub showed at this time.
pub(crate) fn shown(at: OffsetDateTime) -> Life {
    Life { presence: Presence::Shown, observed_at: at, next_look_at: Some(at + INTERVAL) }
}

/// The life of an installation that was deleted, and last observed at this time.
pub(crate) const fn dead(at: OffsetDateTime) -> Life {
    let presence = Presence::Uninstalled { by: UninstalledBy::Deletion };
    Life { presence, observed_at: at, next_look_at: None }
}

/// Inserts a binding that nothing conflicts with.
pub(crate) async fn bind(repo: &dyn BindingRepo, new: NewBinding) -> Binding {
    let outcome = repo.insert(new).await.unwrap();
    let InsertOutcome::Inserted(binding) = outcome else { unreachable!("must be inserted: {outcome:?}") };
    binding
}

/// The organization's live binding.
pub(crate) async fn find(repo: &dyn BindingRepo, organization_id: &str) -> Option<Binding> {
    repo.find(&organization(organization_id)).await.unwrap()
}

pub(crate) async fn record_of(repo: &dyn BindingRepo, number: u64) -> Option<InstallationRecord> {
    repo.installation(installation(number)).await.unwrap()
}

/// The live binding of the organization that the installation's record names.
pub(crate) async fn bound(repo: &dyn BindingRepo, number: u64) -> Option<Binding> {
    let organization = record_of(repo, number).await?.organization?;
    let binding = repo.find(&organization).await.unwrap();
    assert_eq!(binding.as_ref().map(|binding| binding.installation), Some(installation(number)));
    binding
}

pub(crate) async fn observe(repo: &dyn BindingRepo, number: u64, observation: Observation) -> ObserveOutcome {
    repo.observe(installation(number), observation).await.unwrap().outcome
}
