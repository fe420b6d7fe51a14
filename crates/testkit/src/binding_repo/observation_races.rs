//! Concurrent observations: each outcome is that of the moment of its write.
//!
//! Each recorded observation here raises the generation by one. So the row tells how many were recorded, and an outcome
//! computed from an earlier or a later read is found.

use std::sync::Arc;

use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome};
use dockline::{NewBinding, Status};

use super::{
    bind, bound, deleted, find, installation, installer_record, new_binding, observe, present, record_of,
    seconds,
};
use crate::race::{ROUNDS, TASKS, count, race};
use crate::runner::cases;

/// A time, in seconds, whose order is neither that of the tasks nor its reverse. The latest is 16.
fn scrambled(number: u64) -> i64 {
    (number * 7 % 17).cast_signed()
}

/// An observation that only this task makes.
fn observation_of(number: u64) -> Observation {
    present(Status::Active, &format!("login-{number}"), seconds(scrambled(number)))
}

/// Binds the round's installation in odd rounds and returns its generation, which is 0 if it is unknown.
async fn start(repo: &dyn BindingRepo, round: u64) -> u64 {
    if round.is_multiple_of(2) {
        return 0;
    }
    let new = new_binding(&format!("acme-{round}"), round, "state");
    bind(repo, NewBinding { last_verified_at: seconds(-60), ..new }).await.generation
}

async fn uninstall(repo: &dyn BindingRepo, number: u64) -> Option<String> {
    assert_eq!(observe(repo, number, deleted(seconds(-60))).await, ObserveOutcome::Recorded);
    None
}

/// Returns the organization's name if the insert succeeds.
async fn try_bind(repo: &dyn BindingRepo, name: &str, number: u64) -> Option<String> {
    let outcome = repo.insert(new_binding(name, number, "state")).await.unwrap();
    if matches!(outcome, InsertOutcome::Inserted(_)) {
        return Some(name.to_owned());
    }
    assert!(matches!(outcome, InsertOutcome::Taken | InsertOutcome::Gone), "{outcome:?}");
    assert_eq!(find(repo, name).await, None);
    None
}

cases!(
    use __binding_repo_observation_races as list;

    /// If half of the tasks bind and half uninstall, the record and the binding, if any, agree and are uninstalled (I7).
    pub async fn racing_bindings_and_uninstallations_agree(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let outcomes = race(repo, |repo, number| {
                let uninstalls = (number <= TASKS / 2) == round.is_multiple_of(2);
                let name = format!("org_{round}_{number}");
                async move {
                    if uninstalls {
                        uninstall(&*repo, round).await
                    } else {
                        try_bind(&*repo, &name, round).await
                    }
                }
            })
            .await;
            let record = record_of(&**repo, round).await.unwrap();
            assert_eq!(record.status, Status::Uninstalled);
            let won: Vec<_> = outcomes.into_iter().flatten().collect();
            assert!(won.len() <= 1, "{won:?}");
            let organization = record.organization.map(|organization| organization.as_str().to_owned());
            assert_eq!(organization.as_ref(), won.first());
            if let Some(name) = won.first() {
                let binding = bound(&**repo, round).await.unwrap();
                assert_eq!(binding.status, Status::Uninstalled);
                assert_eq!(find(&**repo, name).await, Some(binding));
            }
        }
    }

    /// As many observations are `Recorded` as changed the row, and the latest is one of them (I22).
    pub async fn racing_observations_return_their_own_outcome(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let before = start(&**repo, round).await;
            let outcomes =
                race(
                    repo,
                    |repo, number| async move { observe(&*repo, round, observation_of(number)).await },
                )
                .await;
            let recorded = count(&outcomes, &ObserveOutcome::Recorded);
            assert_eq!(recorded + count(&outcomes, &ObserveOutcome::Outdated), TASKS, "{outcomes:?}");
            let latest = (1..=TASKS).zip(&outcomes).find(|(number, _)| scrambled(*number) == 16).unwrap();
            assert_eq!(*latest.1, ObserveOutcome::Recorded);
            let record = record_of(&**repo, round).await.unwrap();
            assert_eq!(record.generation, before + recorded, "{outcomes:?}");
            assert_eq!(record.verified_at, seconds(16));
            assert_eq!(record.account.unwrap().login, format!("login-{}", latest.0));
        }
    }

    /// Observations that are `Recorded` precede a racing uninstallation; all later ones are `Gone` (I7).
    pub async fn racing_uninstallation_is_final(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let before = start(&**repo, round).await;
            let last = round % TASKS + 1;
            let outcomes = race(repo, |repo, number| async move {
                let observation = match number {
                    _ if number == last => deleted(seconds(-120)),
                    _ if number.is_multiple_of(2) => Observation::PermissionsChanged { at: seconds(0) },
                    _ => observation_of(number),
                };
                observe(&*repo, round, observation).await
            })
            .await;
            let recorded = count(&outcomes, &ObserveOutcome::Recorded); // includes the uninstallation
            let record = record_of(&**repo, round).await.unwrap();
            assert_eq!(
                (record.status, record.generation),
                (Status::Uninstalled, before + recorded),
                "{outcomes:?}"
            );
            let (_, uninstallation) = (1..=TASKS).zip(&outcomes).find(|(number, _)| *number == last).unwrap();
            assert_eq!(*uninstallation, ObserveOutcome::Recorded);
            assert_eq!(observe(&**repo, round, observation_of(1)).await, ObserveOutcome::Gone);
        }
    }

    /// Each of 16 changes of permissions raises the generation by one (L-41).
    pub async fn racing_permission_changes_each_raise_the_generation(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let before =
                bind(&**repo, new_binding(&format!("acme-{round}"), round, "state")).await.generation;
            let outcomes = race(repo, |repo, _| async move {
                observe(&*repo, round, Observation::PermissionsChanged { at: seconds(0) }).await
            })
            .await;
            assert_eq!(count(&outcomes, &ObserveOutcome::Recorded), TASKS);
            assert_eq!(record_of(&**repo, round).await.unwrap().generation, before + TASKS);
        }
    }

    /// Of installers recorded at once, one is stored, and every task reads that one after its own call.
    pub async fn racing_installers_store_one(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let id = installation(round);
            let outcomes = race(repo, |repo, number| async move {
                repo.record_installer(id, installer_record(number), seconds(scrambled(number)))
                    .await
                    .unwrap();
                repo.installer(id).await.unwrap()
            })
            .await;
            let stored = repo.installer(id).await.unwrap();
            assert!(stored.is_some_and(|record| record.installer.get() <= TASKS));
            assert!(outcomes.iter().all(|seen| *seen == stored), "{outcomes:?}");
        }
    }
);
