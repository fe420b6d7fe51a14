use dockline::ports::{BindingRepo, Insertion, Observation};
use dockline::{NewBinding, Status};
use dockline_memory::{BindingRecord, MemoryBindingRepo};
use pollster::block_on;
use time::{Duration, OffsetDateTime};

use crate::fixtures::{account, bind, gone, installation, new_binding, organization, seconds};

fn record(new: NewBinding, released_at: Option<OffsetDateTime>) -> BindingRecord {
    BindingRecord {
        installation: new.installation,
        proof: new.proof,
        proven_by: new.proven_by,
        spent: new.spent,
        registered_at: new.registered_at,
        released_at,
    }
}

// I25: one line per binding, changed by its release only.
#[test]
fn every_binding_is_kept_as_it_was_made_with_the_time_of_its_release() {
    let repo = MemoryBindingRepo::new();
    let (first, second) = (new_binding("acme", 1, "state 1"), new_binding("acme", 2, "state 2"));
    block_on(async {
        bind(&repo, first.clone()).await;
        repo.observe(installation(1), gone(seconds(30))).await.unwrap();
        let released_at = seconds(60) + Duration::nanoseconds(1_999);
        repo.release(&organization("acme"), installation(1), released_at).await.unwrap();
        bind(&repo, second.clone()).await;
        repo.insert(new_binding("acme", 3, "state 3")).await.unwrap();
    });
    let released_at = seconds(60) + Duration::microseconds(1);
    let expected = [record(first, Some(released_at)), record(second, None)];
    assert_eq!(repo.history(&organization("acme")), expected);
    assert_eq!(repo.history(&organization("other")), []);
}

#[test]
fn a_clone_shares_what_the_original_holds() {
    let repo = MemoryBindingRepo::new();
    let binding = block_on(bind(&repo.clone(), new_binding("acme", 1, "state")));
    assert_eq!(block_on(repo.find(&organization("acme"))).unwrap(), Some(binding));
}

// `Present` cannot say this by contract; a repository that is told all the same must not make it look alive.
#[test]
fn uninstalled_is_final_however_it_is_said() {
    let repo = MemoryBindingRepo::new();
    let mut dead = new_binding("acme", 1, "state");
    dead.status = Status::Uninstalled;
    assert_eq!(block_on(repo.insert(dead)).unwrap(), Insertion::Gone);
    let said = Observation::Present {
        status: Status::Uninstalled,
        account: account("acme-coffee"),
        verified_at: seconds(1),
    };
    block_on(repo.observe(installation(1), said)).unwrap();
    assert_eq!(block_on(repo.insert(new_binding("acme", 1, "state"))).unwrap(), Insertion::Gone);
}
