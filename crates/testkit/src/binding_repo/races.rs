//! Concurrent inserts and releases: uniqueness holds by a constraint, not by a preceding read.

use std::sync::Arc;

use dockline::ports::{BindingRepo, InsertOutcome, ReleaseOutcome};
use dockline::{Binding, NewBinding, OrganizationId, Status};

use super::{actor, bind, bound, deleted, find, installation, new_binding, organization, present, seconds};
use crate::race::{ROUNDS, TASKS, race};
use crate::runner::cases;

/// An installation that occurs only in this round, for this number.
fn number_in(round: u64, number: u64) -> u64 {
    round * 100 + number
}

/// Splits the only inserted binding from the other outcomes.
fn winner(outcomes: Vec<InsertOutcome>) -> (Binding, Vec<InsertOutcome>) {
    let (won, others): (Vec<_>, Vec<_>) =
        outcomes.into_iter().partition(|outcome| matches!(outcome, InsertOutcome::Inserted(_)));
    match <[InsertOutcome; 1]>::try_from(won) {
        Ok([InsertOutcome::Inserted(binding)]) => (binding, others),
        other => unreachable!("must have one winner: {other:?}"),
    }
}

async fn insert_and_release(repo: Arc<dyn BindingRepo>, acme: OrganizationId, number: u64) -> InsertOutcome {
    let outcome = repo.insert(new_binding(acme.as_str(), number, "state")).await.unwrap();
    if matches!(outcome, InsertOutcome::Inserted(_)) {
        let release = repo.release(&acme, installation(number), &actor(), seconds(60)).await.unwrap();
        assert!(matches!(release, ReleaseOutcome::Released(_)));
    }
    outcome
}

cases!(
    use __binding_repo_races as list;

    /// Of installations bound to one organization at once, exactly one is inserted, and every loser gets the winner's row
    /// (I1, L-51, L-64).
    pub async fn racing_installations_bind_an_organization_once(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let name = format!("acme-{round}");
            let outcomes = race(repo, |repo, number| {
                let registered_at = seconds(number.cast_signed());
                let new = new_binding(&name, number_in(round, number), &number.to_string());
                async move { repo.insert(NewBinding { registered_at, ..new }).await.unwrap() }
            })
            .await;
            let (row, others) = winner(outcomes);
            assert_eq!(others, vec![InsertOutcome::Occupied(row.clone()); 15]);
            assert_eq!(find(&**repo, &name).await, Some(row.clone()));
            for number in 1..=TASKS {
                let number = number_in(round, number);
                let bound = bound(&**repo, number).await;
                assert_eq!(bound.is_some(), row.installation == installation(number));
            }
        }
    }

    /// Of organizations that bind one installation at once, exactly one is inserted, and the losers learn nothing about
    /// it (I1, L-02, L-50).
    pub async fn racing_organizations_bind_an_installation_once(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let name = |number| format!("org_{round}_{number}");
            let outcomes = race(repo, |repo, number| {
                let new = new_binding(&name(number), round, "state");
                async move { repo.insert(new).await.unwrap() }
            })
            .await;
            let (row, others) = winner(outcomes);
            assert_eq!(others, vec![InsertOutcome::Taken; 15]);
            assert_eq!(bound(&**repo, round).await, Some(row.clone()));
            for number in 1..=TASKS {
                let bound = find(&**repo, &name(number)).await.is_some();
                assert_eq!(bound, row.organization == organization(&name(number)));
            }
        }
    }

    /// Identical inserts at once store one row, and all of them return it: a unique violation is not a conflict (I4).
    pub async fn racing_identical_inserts_return_one_row(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let name = format!("acme-{round}");
            let outcomes = race(repo, |repo, number| {
                let registered_at = seconds(number.cast_signed());
                let new = new_binding(&name, round, "state");
                async move { repo.insert(NewBinding { registered_at, ..new }).await.unwrap() }
            })
            .await;
            let (row, others) = winner(outcomes);
            assert_eq!(others, vec![InsertOutcome::Occupied(row.clone()); 15]);
            assert_eq!(find(&**repo, &name).await, Some(row));
        }
    }

    /// One state used for two installations at once binds one of them (I3).
    pub async fn racing_uses_of_a_state_bind_one_installation(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let name = format!("acme-{round}");
            let outcomes = race(repo, |repo, number| {
                let new = new_binding(&name, number_in(round, number % 2), "state");
                async move { repo.insert(new).await.unwrap() }
            })
            .await;
            let (row, others) = winner(outcomes);
            assert_eq!(others, vec![InsertOutcome::Occupied(row); 15]);
        }
    }

    /// A state makes one binding, also if the binding is released while others use the state (I3, L-17).
    pub async fn racing_uses_of_a_state_bind_once_despite_releases(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let acme = organization(&format!("acme-{round}"));
            let outcomes =
                race(repo, |repo, number| insert_and_release(repo, acme.clone(), number_in(round, number)))
                    .await;
            let (row, others) = winner(outcomes);
            for other in others {
                let refused = other == InsertOutcome::Spent || other == InsertOutcome::Occupied(row.clone());
                assert!(refused, "{other:?}");
            }
            assert_eq!(repo.find(&acme).await.unwrap(), None);
        }
    }

    /// A binding that races an uninstallation is refused or uninstalled, never active: no write skew (I7).
    pub async fn binding_that_races_an_uninstallation_is_not_active(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let id = installation(round);
            let outcomes = race(repo, |repo, number| {
                let new = new_binding(&format!("org_{round}_{number}"), round, "state");
                async move {
                    if number == TASKS / 2 {
                        repo.observe(id, deleted(seconds(-60))).await.unwrap();
                        None
                    } else {
                        Some(repo.insert(new).await.unwrap())
                    }
                }
            })
            .await;
            let binding = bound(&**repo, round).await;
            let inserted =
                outcomes.iter().flatten().any(|outcome| matches!(outcome, InsertOutcome::Inserted(_)));
            assert_eq!(binding.is_some(), inserted);
            assert!(binding.is_none_or(|binding| binding.status == Status::Uninstalled));
        }
    }

    /// Of observations at once, the one with the latest time is stored, bound and unbound (I22, L-30).
    pub async fn racing_observations_store_the_latest(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let (name, id) = (format!("acme-{round}"), installation(round));
            let bound_before = round % 2 == 0;
            if bound_before {
                bind(&**repo, new_binding(&name, round, "state")).await;
            }
            // The latest is neither the first nor the last task's.
            let login = |number| format!("login-{}", number * 7 % 17);
            race(repo, |repo, number| {
                let at = seconds((number * 7 % 17).cast_signed());
                let observation = present(Status::Suspended, &login(number), at);
                async move { repo.observe(id, observation).await.unwrap().outcome }
            })
            .await;
            if !bound_before {
                bind(&**repo, new_binding(&name, round, "state")).await;
            }
            let row = find(&**repo, &name).await.unwrap();
            assert_eq!((row.account.login.as_str(), row.status), ("login-16", Status::Suspended));
            assert_eq!(row.last_verified_at, seconds(16));
        }
    }

    /// Of organizations that bind an installation during its release, at most one is inserted (I1).
    pub async fn racing_organizations_bind_a_released_installation_once(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let (acme, id) = (organization(&format!("acme-{round}")), installation(round));
            bind(&**repo, new_binding(acme.as_str(), round, "state")).await;
            let outcomes = race(repo, |repo, number| {
                let acme = acme.clone();
                let new = new_binding(&format!("org_{round}_{number}"), round, "state");
                async move {
                    if number == 1 {
                        repo.release(&acme, id, &actor(), seconds(60)).await.unwrap();
                        return None;
                    }
                    Some(repo.insert(new).await.unwrap())
                }
            })
            .await;
            let mut inserted = Vec::new();
            for outcome in outcomes.into_iter().flatten() {
                if let InsertOutcome::Inserted(row) = outcome {
                    inserted.push(row);
                } else {
                    assert_eq!(outcome, InsertOutcome::Taken);
                }
            }
            assert!(inserted.len() <= 1, "{inserted:?}");
            assert_eq!(bound(&**repo, round).await, inserted.pop());
            assert_eq!(repo.find(&acme).await.unwrap(), None);
        }
    }

    /// Of releases at once, exactly one returns the binding (L-59).
    pub async fn racing_releases_succeed_once(repo: &Arc<dyn BindingRepo>) {
        for round in ROUNDS {
            let name = format!("acme-{round}");
            let row = bind(&**repo, new_binding(&name, round, "state")).await;
            let outcomes = race(repo, |repo, _| {
                let acme = organization(&name);
                async move { repo.release(&acme, installation(round), &actor(), seconds(60)).await.unwrap() }
            })
            .await;
            let released: Vec<_> =
                outcomes.into_iter().filter(|it| *it != ReleaseOutcome::NothingBound).collect();
            assert_eq!(released, [ReleaseOutcome::Released(row)]);
        }
    }
);
