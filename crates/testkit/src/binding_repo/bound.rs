//! The bound on missing bindings: never more than 20 and more than 10 % of the live ones are missing or lately absent.

use std::sync::Arc;

use dockline::ports::{BindingRepo, Observation, ObserveOutcome};
use dockline::{Presence, Status, UninstalledBy};

use super::{
    actor, bind, deleted, find, installation, missing, new_binding, observe, organization, present,
    record_of, seconds,
};
use crate::race::{ROUNDS, TASKS, count, race};
use crate::runner::cases;

const HOUR: i64 = 3_600;

async fn bind_all(repo: &dyn BindingRepo, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        bind(repo, new_binding(&format!("org_{number}"), number, "state")).await;
    }
}

/// Observes a 404 of each installation, and returns how many of them became missing or absent.
async fn miss(repo: &dyn BindingRepo, numbers: impl IntoIterator<Item = u64>, at: i64) -> u64 {
    let mut changed = 0;
    for number in numbers {
        let outcome = observe(repo, number, missing(seconds(at))).await;
        changed += u64::from(matches!(outcome, ObserveOutcome::Missing | ObserveOutcome::Absent));
    }
    changed
}

cases!(
    use __binding_repo_bound as list;

    /// Of 30 bindings at most 20 become missing. The others keep everything but the times of their looks (I33).
    pub async fn most_bindings_stay_when_none_is_shown(repo: &dyn BindingRepo) {
        bind_all(repo, 1..=30).await;
        assert_eq!(miss(repo, 1..=20, 60).await, 20);
        let before = find(repo, "org_30").await.unwrap();
        for (at, due) in [(60, 60 + 20 * 60), (2 * HOUR, 2 * HOUR + 20 * 60)] {
            assert_eq!(observe(repo, 30, missing(seconds(at))).await, ObserveOutcome::Held);
            let mut expected = before.clone();
            expected.life.observed_at = seconds(at);
            expected.life.next_look_at = Some(seconds(due));
            assert_eq!(find(repo, "org_30").await, Some(expected));
        }
    }

    /// Missing bindings become absent after an hour, since the bound counts them already. No other becomes missing (I33).
    pub async fn missing_bindings_become_absent_within_the_bound(repo: &dyn BindingRepo) {
        bind_all(repo, 1..=60).await;
        assert_eq!(miss(repo, 1..=60, 0).await, 20);
        assert_eq!(miss(repo, 1..=60, HOUR).await, 20);
        assert_eq!(miss(repo, 1..=60, 2 * HOUR).await, 0);
        let presence = async |number| record_of(repo, number).await.unwrap().life.presence;
        assert_eq!(presence(20).await, Presence::Uninstalled { by: UninstalledBy::Absence });
        assert_eq!(presence(21).await, Presence::Shown);
    }

    /// If the live bindings become so few that too large a share of them is missing, no missing one becomes absent, in any
    /// length of time, until the share falls (I33).
    pub async fn no_binding_becomes_absent_above_the_bound(repo: &dyn BindingRepo) {
        bind_all(repo, 1..=230).await;
        assert_eq!(miss(repo, 1..=23, 0).await, 23);
        repo.release(&organization("org_230"), installation(230), &actor(), seconds(60)).await.unwrap();
        for hours in 1..=3 {
            assert_eq!(miss(repo, 1..=23, hours * HOUR).await, 0, "23 of 229");
        }
        let presence = record_of(repo, 1).await.unwrap().life.presence;
        assert!(matches!(presence, Presence::Missing { .. }), "{presence:?}");
        bind_all(repo, [231]).await;
        assert_eq!(miss(repo, 1..=23, 4 * HOUR).await, 23, "23 of 230");
    }

    /// The bound is 10 % where that is more than 20.
    pub async fn bound_is_a_tenth_of_many_bindings(repo: &dyn BindingRepo) {
        bind_all(repo, 1..=230).await;
        assert_eq!(miss(repo, 1..=230, 0).await, 23);
    }

    /// Bindings that became absent count, too, so that an incident does not proceed hour by hour (I33).
    pub async fn absent_bindings_count(repo: &dyn BindingRepo) {
        bind_all(repo, 1..=40).await;
        assert_eq!(miss(repo, 1..=15, 0).await, 15);
        assert_eq!(miss(repo, 1..=15, HOUR).await, 15);
        assert_eq!(miss(repo, 16..=40, 2 * HOUR).await, 5);
        assert_eq!(miss(repo, 16..=40, 6 * 24 * HOUR).await, 5, "those that are missing already");
        // A week after the last 200, an absence is old news.
        assert_eq!(miss(repo, 21..=40, 8 * 24 * HOUR).await, 20);
    }

    /// The bound opens again when bindings return, are deleted or are released.
    pub async fn bound_opens_when_the_share_falls(repo: &dyn BindingRepo) {
        bind_all(repo, 1..=30).await;
        assert_eq!(miss(repo, 1..=30, 0).await, 20);
        observe(repo, 1, present(Status::Active, "acme-coffee", seconds(60))).await;
        assert_eq!(miss(repo, 21..=30, 60).await, 1);
        observe(repo, 2, deleted(seconds(60))).await;
        assert_eq!(miss(repo, 22..=30, 120).await, 1);
        repo.release(&organization("org_3"), installation(3), &actor(), seconds(60)).await.unwrap();
        assert_eq!(miss(repo, 23..=30, 180).await, 1);
        observe(repo, 4, Observation::Ending { at: seconds(60) }).await;
        assert_eq!(miss(repo, 24..=30, 240).await, 1);
    }

    /// A new binding to a missing installation counts, and other live bindings widen the bound.
    pub async fn bound_follows_the_live_bindings(repo: &dyn BindingRepo) {
        bind_all(repo, 1..=30).await;
        assert_eq!(miss(repo, 1..=30, 0).await, 20);
        bind_all(repo, 100..=279).await;
        assert_eq!(miss(repo, 21..=30, 60).await, 1, "21 of 210");
        bind_all(repo, 280..=289).await;
        assert_eq!(miss(repo, 22..=30, 120).await, 1, "22 of 220");
    }

    /// Final ends do not ask the bound: signed deletions end any number of bindings.
    pub async fn deletions_are_not_bounded(repo: &dyn BindingRepo) {
        bind_all(repo, 1..=30).await;
        for number in 1..=30 {
            assert_eq!(observe(repo, number, deleted(seconds(1))).await, ObserveOutcome::Recorded);
        }
        assert_eq!(record_of(repo, 30).await.unwrap().status, Status::Uninstalled);
    }

    /// Of 404s at once, no more become missing than the bound allows (I33).
    pub async fn racing_404s_keep_the_bound(repo: &Arc<dyn BindingRepo>) {
        bind_all(&**repo, 1..=40).await;
        miss(&**repo, 20..=31, 0).await;
        for round in ROUNDS {
            let at = 2 * i64::try_from(round).unwrap();
            let outcomes =
                race(repo, |repo, number| async move { observe(&*repo, number, missing(seconds(at))).await })
                    .await;
            assert_eq!(count(&outcomes, &ObserveOutcome::Missing), 8, "round {round}: {outcomes:?}");
            assert_eq!(count(&outcomes, &ObserveOutcome::Held), TASKS - 8, "round {round}");
            for (number, outcome) in (1..).zip(&outcomes) {
                if *outcome == ObserveOutcome::Missing {
                    observe(&**repo, number, present(Status::Active, "acme-coffee", seconds(at + 1))).await;
                }
            }
        }
    }

    /// Of 404s at once of missing and of shown bindings, all missing ones become absent and no shown one missing (I33).
    pub async fn racing_absences_take_no_room(repo: &Arc<dyn BindingRepo>) {
        bind_all(&**repo, 1..=60).await;
        assert_eq!(miss(&**repo, 21..=40, 0).await, 20);
        let outcomes = race(repo, |repo, number| async move {
            let number = if number % 2 == 0 { number } else { 20 + number };
            observe(&*repo, number, missing(seconds(HOUR))).await
        })
        .await;
        let absent = count(&outcomes, &ObserveOutcome::Absent);
        assert_eq!(absent + count(&outcomes, &ObserveOutcome::Held), TASKS, "{outcomes:?}");
        assert_eq!(absent, TASKS / 2, "{outcomes:?}");
    }
);
