//! A 404 makes an installation missing, then absent; a 200 brings it back; a signed or confirmed end is final.

use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome};
use dockline::{Binding, Life, NewBinding, Presence, Status, UninstalledBy};
use time::Duration;

use super::{
    actor, bind, dead, deleted, find, installation, missing, new_binding, observe, organization, present,
    record_of, seconds, shown,
};
use crate::runner::cases;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

const fn absent() -> Presence {
    Presence::Uninstalled { by: UninstalledBy::Absence }
}

fn by_us(at: i64) -> Observation {
    Observation::UninstalledByUs { at: seconds(at) }
}

fn ending(at: i64) -> Observation {
    Observation::Ending { at: seconds(at) }
}

fn active(at: i64) -> Observation {
    present(Status::Active, "acme-coffee", seconds(at))
}

async fn acme(repo: &dyn BindingRepo) -> Binding {
    find(repo, "acme").await.unwrap()
}

/// Binds installation 1 to `acme` and observes the 404s.
async fn denied(repo: &dyn BindingRepo, times: &[i64]) -> Binding {
    bind(repo, new_binding("acme", 1, "state")).await;
    for at in times {
        observe(repo, 1, missing(seconds(*at))).await;
    }
    acme(repo).await
}

cases!(
    use __binding_repo_presence as list;

    /// A 404 makes an installation missing: it keeps its status, account and time of verification, and the generation rises
    ///.
    pub async fn installation_that_is_not_shown_is_missing(repo: &dyn BindingRepo) {
        let before = bind(repo, new_binding("acme", 1, "state")).await;
        assert_eq!(observe(repo, 1, missing(seconds(60))).await, ObserveOutcome::Missing);
        let presence = Presence::Missing { since: seconds(60), looks: 1, last: seconds(60) };
        let life = Life { presence, observed_at: seconds(60), next_look_at: Some(seconds(60 + MINUTE)) };
        let expected = Binding { life, generation: before.generation + 1, ..before };
        assert_eq!(find(repo, "acme").await, Some(expected));
    }

    /// A 404 of an unknown installation stores nothing, since GitHub may not show a new one yet.
    pub async fn unknown_installation_that_is_not_shown_stays_unknown(repo: &dyn BindingRepo) {
        assert_eq!(observe(repo, 1, missing(seconds(0))).await, ObserveOutcome::Outdated);
        assert_eq!(observe(repo, 1, ending(0)).await, ObserveOutcome::Outdated);
        assert_eq!(record_of(repo, 1).await, None);
    }

    /// A 404 counts at most once a minute, and the next look is due 1, 5, 20 and 60 minutes after the first.
    pub async fn counted_404s_lead_to_the_next_look(repo: &dyn BindingRepo) {
        denied(repo, &[]).await;
        for (at, looks, last, due) in [
            (0, 1, 0, MINUTE),
            (59, 1, 0, MINUTE),
            (60, 2, 60, 5 * MINUTE),
            (61, 2, 60, 5 * MINUTE),
            (4 * MINUTE + 30, 3, 4 * MINUTE + 30, 5 * MINUTE + 30),
            (5 * MINUTE, 3, 4 * MINUTE + 30, 20 * MINUTE),
            (20 * MINUTE, 4, 20 * MINUTE, HOUR),
            (HOUR - 30, 5, HOUR - 30, HOUR + 30),
            (HOUR + 29, 5, HOUR - 30, HOUR + 30),
        ] {
            observe(repo, 1, missing(seconds(at))).await;
            let presence = Presence::Missing { since: seconds(0), looks, last: seconds(last) };
            let life = Life { presence, observed_at: seconds(at), next_look_at: Some(seconds(due)) };
            assert_eq!(acme(repo).await.life, life, "{at} s");
        }
        assert_eq!(observe(repo, 1, missing(seconds(HOUR + 30))).await, ObserveOutcome::Absent);
    }

    /// A 404 that counts an hour after the first makes the installation absent, and a later one changes only the times.
    pub async fn missing_for_an_hour_is_absent(repo: &dyn BindingRepo) {
        let before = denied(repo, &[0, HOUR - 1]).await;
        assert_eq!(observe(repo, 1, missing(seconds(HOUR + 59))).await, ObserveOutcome::Absent);
        let life =
            |at| Life { presence: absent(), observed_at: seconds(at), next_look_at: Some(seconds(at + DAY)) };
        let (generation, status) = (before.generation + 1, Status::Uninstalled);
        let expected = Binding { status, life: life(HOUR + 59), generation, ..before };
        assert_eq!(acme(repo).await, expected);
        assert_eq!(observe(repo, 1, missing(seconds(2 * HOUR))).await, ObserveOutcome::Recorded);
        assert_eq!(acme(repo).await, Binding { life: life(2 * HOUR), ..expected });
    }

    /// Two 404s less than a minute apart never make an absence, however old the first is.
    pub async fn absence_needs_a_look_that_counts(repo: &dyn BindingRepo) {
        denied(repo, &[0, HOUR - 30]).await;
        assert_eq!(observe(repo, 1, missing(seconds(HOUR + 29))).await, ObserveOutcome::Recorded);
        assert!(matches!(acme(repo).await.life.presence, Presence::Missing { .. }));
    }

    /// An absent installation is looked at for 30 days after the last 200, and then never again.
    pub async fn absent_installation_is_looked_at_for_thirty_days(repo: &dyn BindingRepo) {
        denied(repo, &[0, HOUR]).await;
        for (at, due) in [(30 * DAY - 1, Some(31 * DAY - 1)), (30 * DAY, None), (31 * DAY, None)] {
            observe(repo, 1, missing(seconds(at))).await;
            assert_eq!(acme(repo).await.life.next_look_at, due.map(seconds), "{at} s");
        }
        observe(repo, 1, active(32 * DAY)).await;
        assert_eq!(acme(repo).await.life, shown(seconds(32 * DAY)));
    }

    /// A 200 brings a missing and an absent installation back, with its status, and the generation rises (I7).
    pub async fn shown_installation_returns(repo: &dyn BindingRepo) {
        let mut before = denied(repo, &[0]).await;
        for (denials, at) in [(&[][..], 10), (&[20, 20 + HOUR][..], 30 + HOUR)] {
            for denial in denials {
                observe(repo, 1, missing(seconds(*denial))).await;
                before = acme(repo).await;
            }
            let back = present(Status::Suspended, "renamed", seconds(at));
            assert_eq!(observe(repo, 1, back).await, ObserveOutcome::Recorded);
            let after = acme(repo).await;
            assert!(after.generation > before.generation);
            assert_eq!((after.status, after.life), (Status::Suspended, shown(seconds(at))));
            assert_eq!((after.last_verified_at, after.registered_at), (seconds(at), before.registered_at));
        }
    }

    /// A 200 with unchanged facts raises the generation of a missing installation, so that no token of before is served.
    pub async fn leaving_missing_raises_the_generation(repo: &dyn BindingRepo) {
        let before = denied(repo, &[0]).await;
        observe(repo, 1, active(1)).await;
        assert_eq!(acme(repo).await.generation, before.generation + 1);
    }

    /// A 200 that was asked before the 404 does not bring the installation back, whatever arrives first (I22).
    pub async fn older_200_does_not_return_a_missing_installation(repo: &dyn BindingRepo) {
        let before = denied(repo, &[60]).await;
        assert_eq!(observe(repo, 1, active(59)).await, ObserveOutcome::Outdated);
        assert_eq!(acme(repo).await, before);
        assert_eq!(observe(repo, 1, active(61)).await, ObserveOutcome::Recorded);
        assert_eq!(observe(repo, 1, missing(seconds(60))).await, ObserveOutcome::Outdated);
        assert_eq!(acme(repo).await.life, shown(seconds(61)));
    }

    /// A released installation stays released when it returns.
    pub async fn returned_installation_stays_released(repo: &dyn BindingRepo) {
        denied(repo, &[0]).await;
        repo.release(&organization("acme"), installation(1), &actor(), seconds(1)).await.unwrap();
        observe(repo, 1, active(2)).await;
        let record = record_of(repo, 1).await.unwrap();
        assert_eq!((record.organization, record.life), (None, shown(seconds(2))));
        assert_eq!(find(repo, "acme").await, None);
    }

    /// A missing or absent installation can be bound, and the new binding's 200 brings it back.
    pub async fn missing_or_absent_installation_can_be_bound(repo: &dyn BindingRepo) {
        for (number, denials) in [(1, &[0][..]), (2, &[0, HOUR])] {
            observe(repo, number, active(-1)).await;
            for at in denials {
                observe(repo, number, missing(seconds(*at))).await;
            }
            let before = record_of(repo, number).await.unwrap();
            let at = seconds(2 * HOUR);
            let new = new_binding(&format!("org_{number}"), number, "state");
            let new = NewBinding { last_verified_at: at, next_look_at: at + Duration::HOUR, ..new };
            let binding = bind(repo, new).await;
            assert_eq!((binding.status, binding.life), (Status::Active, shown(at)));
            assert!(binding.generation > before.generation);
        }
    }

    /// A binding whose 200 is older than the 404 is made, and stays missing until GitHub shows the installation.
    pub async fn binding_with_older_facts_stays_missing(repo: &dyn BindingRepo) {
        observe(repo, 1, active(-1)).await;
        observe(repo, 1, missing(seconds(60))).await;
        let binding = bind(repo, new_binding("acme", 1, "state")).await;
        assert!(matches!(binding.life.presence, Presence::Missing { .. }));
        assert_eq!(find(repo, "acme").await, Some(binding));
    }

    /// An ending installation keeps its status, is not brought back by a 200 for 15 minutes, and then is.
    pub async fn ending_installation_is_not_revived_for_fifteen_minutes(repo: &dyn BindingRepo) {
        let before = bind(repo, new_binding("acme", 1, "state")).await;
        assert_eq!(observe(repo, 1, ending(60)).await, ObserveOutcome::Recorded);
        let life = |at| Life {
            presence: Presence::Ending { since: seconds(60) },
            observed_at: seconds(at),
            next_look_at: Some(seconds(16 * MINUTE)),
        };
        let expected = Binding { life: life(60), generation: before.generation + 1, ..before };
        assert_eq!(acme(repo).await, expected);
        for at in [61, 16 * MINUTE - 1] {
            assert_eq!(observe(repo, 1, active(at)).await, ObserveOutcome::Ending);
            assert_eq!(acme(repo).await, expected);
        }
        assert_eq!(observe(repo, 1, active(16 * MINUTE)).await, ObserveOutcome::Recorded);
        let after = acme(repo).await;
        assert_eq!((after.life, after.generation), (shown(seconds(16 * MINUTE)), expected.generation + 1));
    }

    /// An ending installation that GitHub does not show stays ending for 15 minutes, and then is absent.
    pub async fn ending_installation_that_is_not_shown_becomes_absent(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, ending(0)).await;
        assert_eq!(observe(repo, 1, missing(seconds(15 * MINUTE - 1))).await, ObserveOutcome::Ending);
        assert!(matches!(acme(repo).await.life.presence, Presence::Ending { .. }));
        assert_eq!(observe(repo, 1, missing(seconds(15 * MINUTE))).await, ObserveOutcome::Absent);
        let after = acme(repo).await;
        assert_eq!((after.status, after.life.presence), (Status::Uninstalled, absent()));
    }

    /// A missing and an absent installation can be ending, and a repeated request counts from its own time.
    pub async fn missing_or_absent_installation_can_be_ending(repo: &dyn BindingRepo) {
        let before = denied(repo, &[0, HOUR]).await;
        for (at, generation) in [(2 * HOUR, 1), (3 * HOUR, 1)] {
            observe(repo, 1, ending(at)).await;
            let after = acme(repo).await;
            assert_eq!(after.life.presence, Presence::Ending { since: seconds(at) });
            assert_eq!(after.generation, before.generation + generation);
        }
    }

    /// An ending installation cannot be bound for 15 minutes, and an ended one never (I7).
    pub async fn ending_installation_cannot_be_bound(repo: &dyn BindingRepo) {
        observe(repo, 1, active(0)).await;
        observe(repo, 1, ending(0)).await;
        let at = |at, state| NewBinding { last_verified_at: seconds(at), ..new_binding("acme", 1, state) };
        assert_eq!(repo.insert(at(15 * MINUTE - 1, "a")).await.unwrap(), InsertOutcome::Gone);
        bind(repo, at(15 * MINUTE, "b")).await;
        for (number, end) in [(2, by_us(0)), (3, deleted(seconds(0)))] {
            observe(repo, number, active(-1)).await;
            observe(repo, number, end).await;
            let new = NewBinding { last_verified_at: seconds(DAY), ..new_binding("other", number, "state") };
            assert_eq!(repo.insert(new).await.unwrap(), InsertOutcome::Gone);
        }
    }

    /// Our confirmed uninstall is final: neither a 200 nor a 404 nor another request changes it (I7).
    pub async fn uninstall_by_us_is_final(repo: &dyn BindingRepo) {
        let before = bind(repo, new_binding("acme", 1, "state")).await;
        assert_eq!(observe(repo, 1, by_us(60)).await, ObserveOutcome::Recorded);
        let presence = Presence::Uninstalled { by: UninstalledBy::Us };
        let life = Life { presence, observed_at: seconds(60), next_look_at: None };
        let (status, generation) = (Status::Uninstalled, before.generation + 1);
        let expected = Binding { status, life, generation, ..before };
        for later in [active(61), missing(seconds(62)), ending(63), active(DAY)] {
            assert_eq!(acme(repo).await, expected);
            assert_eq!(observe(repo, 1, later).await, ObserveOutcome::Gone);
        }
        assert_eq!(acme(repo).await, expected);
    }

    /// A signed deletion takes precedence over every other state, and over our own uninstall in both orders (I7).
    pub async fn deletion_takes_precedence(repo: &dyn BindingRepo) {
        let befores = [
            vec![],
            vec![missing(seconds(0))],
            vec![missing(seconds(0)), missing(seconds(HOUR))],
            vec![ending(0)],
            vec![by_us(0)],
        ];
        for (before, number) in befores.into_iter().zip(1..) {
            bind(repo, new_binding(&format!("org_{number}"), number, "state")).await;
            let is_final = before.contains(&by_us(0));
            for observation in before {
                observe(repo, number, observation).await;
            }
            let generation = record_of(repo, number).await.unwrap().generation;
            for at in [2 * HOUR, HOUR] {
                observe(repo, number, deleted(seconds(at))).await;
                let record = record_of(repo, number).await.unwrap();
                assert_eq!((record.status, record.life), (Status::Uninstalled, dead(seconds(2 * HOUR))));
                assert_eq!(record.generation, generation + u64::from(!is_final));
            }
            observe(repo, number, by_us(3 * HOUR)).await;
            let presence = record_of(repo, number).await.unwrap().life.presence;
            assert_eq!(presence, Presence::Uninstalled { by: UninstalledBy::Deletion });
        }
    }

    /// Changed permissions raise the generation of a missing or ending installation, and not of an absent one.
    pub async fn changed_permissions_of_a_missing_installation(repo: &dyn BindingRepo) {
        for (number, observations, outcome) in [
            (1, vec![missing(seconds(0))], ObserveOutcome::Recorded),
            (2, vec![ending(0)], ObserveOutcome::Recorded),
            (3, vec![missing(seconds(0)), missing(seconds(HOUR))], ObserveOutcome::Gone),
        ] {
            bind(repo, new_binding(&format!("org_{number}"), number, "state")).await;
            for observation in observations {
                observe(repo, number, observation).await;
            }
            let before = record_of(repo, number).await.unwrap();
            assert_eq!(
                observe(repo, number, Observation::PermissionsChanged { at: seconds(0) }).await,
                outcome
            );
            let raised = u64::from(outcome == ObserveOutcome::Recorded);
            let after = record_of(repo, number).await.unwrap();
            assert_eq!((after.generation, after.life), (before.generation + raised, before.life));
        }
    }

    /// Times of a look are truncated to whole microseconds.
    pub async fn times_of_a_404_are_truncated(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        let nanoseconds = Duration::nanoseconds(999);
        observe(repo, 1, missing(seconds(1) + nanoseconds)).await;
        let life = acme(repo).await.life;
        assert_eq!(life.presence, Presence::Missing { since: seconds(1), looks: 1, last: seconds(1) });
        assert_eq!(life.observed_at, seconds(1));
        observe(repo, 1, ending(2)).await;
        assert_eq!(acme(repo).await.life.presence, Presence::Ending { since: seconds(2) });
    }
);
