//! Callers at one moment: uniqueness holds by constraint, never by a preceding read.

use std::sync::Arc;

use dockline::ports::{BindingRepo, InsertOutcome, ReleaseOutcome};
use dockline::{Binding, NewBinding, OrganizationId, Status};

use super::{bind, found, gone, installation, new_binding, organization, present, seconds};
use crate::race::{ROUNDS, TASKS, race};

/// An installation that only this round and number has.
fn number_in(round: u64, number: u64) -> u64 {
    round * 100 + number
}

/// Parts the one winner from the others.
fn winner(outcomes: Vec<InsertOutcome>) -> (Binding, Vec<InsertOutcome>) {
    let (won, others): (Vec<_>, Vec<_>) =
        outcomes.into_iter().partition(|outcome| matches!(outcome, InsertOutcome::Inserted(_)));
    match <[InsertOutcome; 1]>::try_from(won) {
        Ok([InsertOutcome::Inserted(binding)]) => (binding, others),
        other => unreachable!("not one winner: {other:?}"),
    }
}

/// The losers are answered the winner's row, `registered_at` and all (I1, L-51, L-64).
pub async fn of_installations_that_race_for_one_organization_one_is_bound(repo: &Arc<dyn BindingRepo>) {
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
        assert_eq!(found(&**repo, &name).await, Some(row.clone()));
        for number in 1..=TASKS {
            let id = installation(number_in(round, number));
            let bound = repo.find_by_installation(id).await.unwrap();
            assert_eq!(bound.is_some(), row.installation == id);
        }
    }
}

/// The losers learn that it is taken, and nothing of whom (I1, L-02, L-50).
pub async fn of_organizations_that_race_for_one_installation_one_gets_it(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let name = |number| format!("org_{round}_{number}");
        let outcomes = race(repo, |repo, number| {
            let new = new_binding(&name(number), round, "state");
            async move { repo.insert(new).await.unwrap() }
        })
        .await;
        let (row, others) = winner(outcomes);
        assert_eq!(others, vec![InsertOutcome::Taken; 15]);
        assert_eq!(repo.find_by_installation(installation(round)).await.unwrap(), Some(row.clone()));
        for number in 1..=TASKS {
            let bound = found(&**repo, &name(number)).await.is_some();
            assert_eq!(bound, row.organization == organization(&name(number)));
        }
    }
}

/// Identical re-posts at once: one row, one `registered_at`, and no unique violation that is taken for a conflict (I4).
pub async fn twins_that_race_are_all_answered_one_row(repo: &Arc<dyn BindingRepo>) {
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
        assert_eq!(found(&**repo, &name).await, Some(row));
    }
}

/// One state, one installation (I3).
pub async fn one_state_that_is_shown_for_two_installations_binds_one(repo: &Arc<dyn BindingRepo>) {
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

/// A state makes one binding ever, not even a second where the first is released between the two (I3, L-17).
pub async fn one_state_makes_one_binding_ever_however_fast_it_is_released(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let acme = organization(&format!("acme-{round}"));
        let outcomes =
            race(repo, |repo, number| insert_and_release(repo, acme.clone(), number_in(round, number))).await;
        let (row, others) = winner(outcomes);
        for other in others {
            assert!(
                other == InsertOutcome::Spent || other == InsertOutcome::Occupied(row.clone()),
                "{other:?}"
            );
        }
        assert_eq!(repo.find(&acme).await.unwrap(), None);
    }
}

async fn insert_and_release(repo: Arc<dyn BindingRepo>, acme: OrganizationId, number: u64) -> InsertOutcome {
    let outcome = repo.insert(new_binding(acme.as_str(), number, "state")).await.unwrap();
    if matches!(outcome, InsertOutcome::Inserted(_)) {
        let release = repo.release(&acme, installation(number), seconds(60)).await.unwrap();
        assert!(matches!(release, ReleaseOutcome::Released(_)));
    }
    outcome
}

/// Write skew would leave a binding that looks alive to an installation that is dead (I7).
pub async fn a_bind_that_races_an_uninstall_never_looks_alive(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let id = installation(round);
        let outcomes = race(repo, |repo, number| {
            let new = new_binding(&format!("org_{round}_{number}"), round, "state");
            async move {
                if number == TASKS / 2 {
                    repo.observe(id, gone(seconds(-60))).await.unwrap();
                    None
                } else {
                    Some(repo.insert(new).await.unwrap())
                }
            }
        })
        .await;
        let binding = repo.find_by_installation(id).await.unwrap();
        let inserted = outcomes.iter().flatten().any(|outcome| matches!(outcome, InsertOutcome::Inserted(_)));
        assert_eq!(binding.is_some(), inserted);
        assert!(binding.is_none_or(|binding| binding.status == Status::Uninstalled));
    }
}

/// The status follows what GitHub said last, not who came last, whether the installation is bound or was never heard of
/// before (I22, L-30).
pub async fn of_observations_that_race_the_newest_stands(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let (name, id) = (format!("acme-{round}"), installation(round));
        let bound_before = round % 2 == 0;
        if bound_before {
            bind(&**repo, new_binding(&name, round, "state")).await;
        }
        // The newest is neither the first nor the last to come.
        let login = |number| format!("login-{}", number * 7 % 17);
        race(repo, |repo, number| {
            let at = seconds((number * 7 % 17).cast_signed());
            let observation = present(Status::Suspended, &login(number), at);
            async move { repo.observe(id, observation).await.unwrap() }
        })
        .await;
        if !bound_before {
            bind(&**repo, new_binding(&name, round, "state")).await;
        }
        let row = found(&**repo, &name).await.unwrap();
        assert_eq!((row.account.login.as_str(), row.status), ("login-16", Status::Suspended));
        assert_eq!(row.last_verified_at, seconds(16));
    }
}

/// A detach and fifteen who wait for it: at most one of them has it afterwards (I1).
pub async fn what_is_released_in_a_race_goes_to_one(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let (acme, id) = (organization(&format!("acme-{round}")), installation(round));
        bind(&**repo, new_binding(acme.as_str(), round, "state")).await;
        let outcomes = race(repo, |repo, number| {
            let acme = acme.clone();
            let new = new_binding(&format!("org_{round}_{number}"), round, "state");
            async move {
                if number == 1 {
                    repo.release(&acme, id, seconds(60)).await.unwrap();
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
        assert_eq!(repo.find_by_installation(id).await.unwrap(), inserted.pop());
        assert_eq!(repo.find(&acme).await.unwrap(), None);
    }
}

/// Of callers that detach at once, one is told that it did (L-59).
pub async fn a_binding_is_released_once(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let name = format!("acme-{round}");
        let row = bind(&**repo, new_binding(&name, round, "state")).await;
        let outcomes = race(repo, |repo, _| {
            let acme = organization(&name);
            async move { repo.release(&acme, installation(round), seconds(60)).await.unwrap() }
        })
        .await;
        let released: Vec<_> =
            outcomes.into_iter().filter(|it| *it != ReleaseOutcome::NothingBound).collect();
        assert_eq!(released, [ReleaseOutcome::Released(row)]);
    }
}
