//! `MemoryBindingRepo::history`.

use std::sync::Arc;

use dockline::NewBinding;
use dockline::ports::{BindingRepo, InsertOutcome, Observation};
use dockline_memory::{BindingRecord, MemoryBindingRepo};
use dockline_testkit::binding_repo::races;
use dockline_testkit::fixtures::{actor, binding_of, digest, installation, organization, seconds};
use dockline_testkit::race::ROUNDS;
use dockline_testkit::runner::block_on;
use time::{Duration, OffsetDateTime};

fn new_binding(name: &str, number: u64, state: &str) -> NewBinding {
    binding_of(name, number, digest(state))
}

fn record(new: NewBinding, released_at: Option<OffsetDateTime>) -> BindingRecord {
    BindingRecord {
        actor: actor(),
        installation: new.installation,
        proof: new.proof,
        proven_by: new.proven_by,
        spent: new.spent,
        registered_at: new.registered_at,
        released_at,
        released_by: released_at.map(|_| actor()),
    }
}

// I25: one record per binding, changed by its release only.
#[test]
fn history_keeps_every_binding_with_the_time_of_its_release() {
    let repo = MemoryBindingRepo::new();
    let (first, second) = (new_binding("acme", 1, "state 1"), new_binding("acme", 2, "state 2"));
    block_on(async {
        repo.insert(first.clone()).await.unwrap();
        repo.observe(installation(1), Observation::Deleted { at: seconds(30) }).await.unwrap();
        let released_at = seconds(60) + Duration::nanoseconds(1_999);
        repo.release(&organization("acme"), installation(1), &actor(), released_at).await.unwrap();
        repo.insert(second.clone()).await.unwrap();
        repo.insert(new_binding("acme", 3, "state 3")).await.unwrap();
    });
    let released_at = seconds(60) + Duration::microseconds(1);
    let expected = [record(first, Some(released_at)), record(second, None)];
    assert_eq!(repo.history(&organization("acme")), expected);
    assert_eq!(repo.history(&organization("other")), []);
}

#[test]
fn clones_share_their_bindings() {
    let repo = MemoryBindingRepo::new();
    let insertion = block_on(repo.clone().insert(new_binding("acme", 1, "state"))).unwrap();
    let InsertOutcome::Inserted(binding) = insertion else { unreachable!("not inserted: {insertion:?}") };
    assert_eq!(block_on(repo.find(&organization("acme"))).unwrap(), Some(binding));
}

// I3, I4
#[test]
fn concurrent_registrations_leave_one_record() {
    for race in [Race::Twins, Race::OneState] {
        let repo = MemoryBindingRepo::new();
        let shared: Arc<dyn BindingRepo> = Arc::new(repo.clone());
        block_on(async {
            match race {
                Race::Twins => races::racing_identical_inserts_return_one_row(&shared).await,
                Race::OneState => {
                    races::racing_uses_of_a_state_bind_once_despite_releases(&shared).await;
                }
            }
        });
        for round in ROUNDS {
            assert_eq!(repo.history(&organization(&format!("acme-{round}"))).len(), 1);
        }
    }
}

enum Race {
    Twins,
    OneState,
}
