//! Calls that are dropped halfway have their whole effect or none, and keep nothing.

use dockline::ports::{BindingRepo, InsertOutcome, ReleaseOutcome};
use dockline::{Binding, Status};

use super::{
    account, actor, bound, installation, new_binding, observe, organization, present, record_of, seconds,
};
use crate::dropped::{POLLS, dropped_after, soon};
use crate::runner::cases;

/// Enough dropped calls to use up a pool, should each keep a connection.
const ROUNDS: std::ops::RangeInclusive<u64> = 1..=4;

/// The polls, and a number of its own for each.
fn calls_to_drop() -> impl Iterator<Item = (usize, u64)> {
    ROUNDS.flat_map(|_| POLLS).zip(1..)
}

/// Inserts, however far an earlier call came.
async fn insert(repo: &dyn BindingRepo, name: &str, number: u64) -> Binding {
    match soon(repo.insert(new_binding(name, number, "state"))).await.unwrap() {
        InsertOutcome::Inserted(row) | InsertOutcome::Occupied(row) => row,
        other @ (InsertOutcome::Taken | InsertOutcome::Spent | InsertOutcome::Gone) => {
            unreachable!("a dropped insert left half of a binding, so that it cannot be repeated: {other:?}")
        }
    }
}

cases!(
    use __binding_repo_dropped as list;

    /// A dropped insert wrote the whole binding, or nothing: the same insert then tells which, and its row is complete (I6).
    pub async fn dropped_insert_is_whole(repo: &dyn BindingRepo) {
        for (polls, number) in calls_to_drop() {
            let name = format!("org-{number}");
            dropped_after(polls, repo.insert(new_binding(&name, number, "state"))).await;
            let row = insert(repo, &name, number).await;
            assert_eq!(soon(bound(repo, number)).await, Some(row));
            let again = soon(repo.insert(new_binding(&format!("{name}-b"), number, "state"))).await.unwrap();
            assert_eq!(again, InsertOutcome::Taken);
        }
    }

    /// A dropped release ended the whole binding, or nothing (I6, L-59).
    pub async fn dropped_release_is_whole(repo: &dyn BindingRepo) {
        for (polls, number) in calls_to_drop() {
            let (name, id) = (format!("org-{number}"), installation(number));
            let row = insert(repo, &name, number).await;
            let owner = organization(&name);
            dropped_after(polls, repo.release(&owner, id, &actor(), seconds(60))).await;
            let again = soon(repo.release(&owner, id, &actor(), seconds(60))).await.unwrap();
            assert!(
                again == ReleaseOutcome::Released(row.clone()) || again == ReleaseOutcome::NothingBound,
                "{again:?}"
            );
            assert_eq!(soon(repo.find(&owner)).await.unwrap(), None);
            let record = soon(record_of(repo, number)).await.unwrap();
            assert_eq!((record.organization, record.generation), (None, row.generation + 1));
            let spent = soon(repo.insert(new_binding(&name, number, "state"))).await.unwrap();
            assert_eq!(spent, InsertOutcome::Spent);
        }
    }

    /// A dropped observation changed the whole record, or nothing (I6).
    pub async fn dropped_observation_is_whole(repo: &dyn BindingRepo) {
        for (polls, number) in calls_to_drop() {
            soon(observe(repo, number, present(Status::Active, "before", seconds(0)))).await;
            let later = || present(Status::Suspended, "after", seconds(1));
            dropped_after(polls, observe(repo, number, later())).await;
            soon(observe(repo, number, later())).await;
            let record = soon(record_of(repo, number)).await.unwrap();
            assert_eq!((record.account, record.status), (Some(account("after")), Status::Suspended));
            assert_eq!((record.verified_at, record.generation), (seconds(1), 2));
        }
    }
);
