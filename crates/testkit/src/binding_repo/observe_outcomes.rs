//! The outcome of an observation: recorded, outdated or gone; and observations of changed permissions.

use dockline::ports::{BindingRepo, Observation, ObserveOutcome};
use dockline::{Binding, InstallationRecord, Status};

use super::{NOON, bind, deleted, find, new_binding, observe, present, record_of, seconds};
use crate::runner::cases;

cases!(
    use __binding_repo_observe_outcomes as list;

    /// An observation that counts is `Recorded`, with a change and without, bound and unbound.
    pub async fn observation_that_counts_is_recorded(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 2, "state")).await;
        for number in [1, 2] {
            for (status, login, after) in [
                (Status::Active, "acme-coffee", 0),
                (Status::Suspended, "acme-coffee", 60),
                (Status::Suspended, "acme-coffee", 60), // repeated
                (Status::Active, "renamed", 60),        // another one with the same time
                (Status::Active, "renamed", 61),        // only the time is new
            ] {
                let outcome = observe(repo, number, present(status, login, seconds(after))).await;
                assert_eq!(outcome, ObserveOutcome::Recorded);
            }
        }
    }

    /// An observation older than the stored one is `Outdated` and changes nothing (I22, L-30).
    pub async fn older_observation_is_outdated(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 2, "state")).await;
        for number in [1, 2] {
            observe(repo, number, present(Status::Suspended, "renamed", seconds(60))).await;
            let before = record_of(repo, number).await;
            for (status, login, after) in
                [(Status::Active, "acme-coffee", 59), (Status::Suspended, "renamed", 0)]
            {
                let outcome = observe(repo, number, present(status, login, seconds(after))).await;
                assert_eq!(outcome, ObserveOutcome::Outdated);
            }
            assert_eq!(record_of(repo, number).await, before);
        }
    }

    /// A final end is `Recorded` whenever it is observed: unknown or bound, older, repeated (I7, L-32).
    pub async fn uninstallation_is_always_recorded(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 2, "state")).await;
        for number in [1, 2] {
            let by_us = Observation::UninstalledByUs { at: seconds(-30) };
            for end in [by_us, deleted(seconds(-60)), deleted(seconds(60)), deleted(seconds(30))] {
                assert_eq!(observe(repo, number, end).await, ObserveOutcome::Recorded);
            }
        }
    }

    /// An observation of an uninstalled installation is `Gone` and changes nothing, whatever its time (I7, L-31).
    pub async fn observation_after_an_uninstallation_is_gone(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
        bind(repo, new_binding("acme", 2, "state")).await;
        for number in [1, 2] {
            observe(repo, number, deleted(seconds(60))).await;
            let before = record_of(repo, number).await;
            for (status, login, after) in [
                (Status::Active, "acme-coffee", 59),
                (Status::Active, "renamed", 60),
                (Status::Suspended, "renamed", 61),
            ] {
                let outcome = observe(repo, number, present(status, login, seconds(after))).await;
                assert_eq!(outcome, ObserveOutcome::Gone);
            }
            assert_eq!(record_of(repo, number).await, before);
        }
    }

    /// An observation is `Gone` if the uninstallation is all that was observed before it (L-28).
    pub async fn observation_after_only_an_uninstallation_is_gone(repo: &dyn BindingRepo) {
        observe(repo, 1, deleted(NOON)).await;
        let before = record_of(repo, 1).await;
        for after in [-60, 0, 60] {
            let outcome = observe(repo, 1, present(Status::Active, "acme-coffee", seconds(after))).await;
            assert_eq!(outcome, ObserveOutcome::Gone);
        }
        assert_eq!(record_of(repo, 1).await, before);
    }

    /// Each change of permissions raises the generation, which invalidates cached tokens, and nothing else (L-41).
    pub async fn changed_permissions_raise_the_generation(repo: &dyn BindingRepo) {
        let mut before = bind(repo, new_binding("acme", 1, "state")).await;
        for _ in 0..3 {
            assert_eq!(
                observe(repo, 1, Observation::PermissionsChanged { at: NOON }).await,
                ObserveOutcome::Recorded
            );
            let after = find(repo, "acme").await.unwrap();
            assert!(after.generation > before.generation, "{} after {}", after.generation, before.generation);
            assert_eq!(after, Binding { generation: after.generation, ..before });
            before = after;
        }
    }

    /// Changed permissions of an unbound installation raise its generation, because a registration may be under way
    /// (L-28).
    pub async fn changed_permissions_of_an_unbound_installation_count(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
        let before = record_of(repo, 1).await.unwrap();
        assert_eq!(
            observe(repo, 1, Observation::PermissionsChanged { at: NOON }).await,
            ObserveOutcome::Recorded
        );
        assert!(record_of(repo, 1).await.unwrap().generation > before.generation);
        assert!(bind(repo, new_binding("acme", 1, "state")).await.generation > before.generation);
    }

    /// Changed permissions affect neither status nor account nor time (L-30).
    pub async fn changed_permissions_affect_nothing_else(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, present(Status::Suspended, "renamed", seconds(60))).await;
        let before = record_of(repo, 1).await.unwrap();
        observe(repo, 1, Observation::PermissionsChanged { at: NOON }).await;
        let after = record_of(repo, 1).await.unwrap();
        assert_eq!(after, InstallationRecord { generation: after.generation, ..before });
    }

    /// Changed permissions of an unknown installation are `Outdated` and store nothing.
    pub async fn changed_permissions_of_an_unknown_installation_are_outdated(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 2, "state")).await;
        assert_eq!(
            observe(repo, 1, Observation::PermissionsChanged { at: NOON }).await,
            ObserveOutcome::Outdated
        );
        assert_eq!(record_of(repo, 1).await, None);
    }

    /// Changed permissions of an uninstalled installation are `Gone` and raise no generation (I7).
    pub async fn changed_permissions_of_an_uninstalled_installation_are_gone(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 2, "state")).await;
        for number in [1, 2] {
            observe(repo, number, deleted(seconds(60))).await;
            let before = record_of(repo, number).await;
            assert_eq!(
                observe(repo, number, Observation::PermissionsChanged { at: NOON }).await,
                ObserveOutcome::Gone
            );
            assert_eq!(record_of(repo, number).await, before);
        }
    }
);
