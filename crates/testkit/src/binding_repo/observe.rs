//! Observations change what is stored about an installation, and never a binding.

use dockline::ports::{BindingRepo, InsertOutcome};
use dockline::{Binding, Presence, Status};

use super::{
    NOON, account, bind, bound, dead, deleted, find, new_binding, observe, present, record_of, seconds, shown,
};
use crate::runner::cases;

cases!(
    use __binding_repo_observe as list;

    /// An observation creates no binding (L-29).
    pub async fn observation_creates_no_binding(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
        observe(repo, 2, deleted(NOON)).await;
        for number in [1, 2] {
            assert_eq!(bound(repo, number).await, None);
        }
    }

    /// An observation changes neither the organization of a binding nor its proof nor its `registered_at` (I4, L-29).
    pub async fn observation_moves_no_binding(repo: &dyn BindingRepo) {
        let before = bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, present(Status::Suspended, "renamed", seconds(60))).await;
        let after = bound(repo, 1).await.unwrap();
        assert_eq!(after.organization, before.organization);
        assert_eq!(after.registered_at, before.registered_at);
        assert_eq!((after.proof, after.proven_by), (before.proof, before.proven_by));
    }

    /// The status, account and time of an observation show in the binding (L-53, L-57).
    pub async fn observation_shows_in_the_binding(repo: &dyn BindingRepo) {
        let before = bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, present(Status::Suspended, "renamed", seconds(60))).await;
        let after = find(repo, "acme").await.unwrap();
        let expected = Binding {
            account: account("renamed"),
            status: Status::Suspended,
            life: shown(seconds(60)),
            last_verified_at: seconds(60),
            generation: after.generation,
            ..before
        };
        assert_eq!(after, expected);
        assert_eq!(bound(repo, 1).await, Some(expected));
    }

    /// An observation of an unbound installation shows in a later binding (L-28).
    pub async fn observation_before_the_binding_is_stored(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Suspended, "acme-coffee", seconds(60))).await;
        let binding = bind(repo, new_binding("acme", 1, "state")).await;
        assert_eq!((binding.status, binding.last_verified_at), (Status::Suspended, seconds(60)));
    }

    /// A new status raises the generation, which invalidates cached tokens (L-41).
    pub async fn new_status_raises_the_generation(repo: &dyn BindingRepo) {
        let mut generation = bind(repo, new_binding("acme", 1, "state")).await.generation;
        let with = |status, after| present(status, "acme-coffee", seconds(after));
        for observation in [with(Status::Suspended, 60), with(Status::Active, 61), deleted(seconds(62))] {
            observe(repo, 1, observation).await;
            let raised = find(repo, "acme").await.unwrap().generation;
            assert!(raised > generation, "{raised} after {generation}");
            generation = raised;
        }
    }

    /// A new account raises the generation, which invalidates cached tokens (L-13, L-41).
    pub async fn new_account_raises_the_generation(repo: &dyn BindingRepo) {
        let before = bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, present(Status::Active, "renamed", seconds(60))).await;
        assert!(find(repo, "acme").await.unwrap().generation > before.generation);
    }

    /// An observation without a change updates only the time (L-32).
    pub async fn unchanged_observation_updates_only_the_time(repo: &dyn BindingRepo) {
        let before = bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, present(Status::Active, "acme-coffee", seconds(60))).await;
        let expected = Binding { life: shown(seconds(60)), last_verified_at: seconds(60), ..before };
        assert_eq!(find(repo, "acme").await, Some(expected));
    }

    /// Of two observations with the same time the later call counts, and repeating it changes nothing (I22).
    pub async fn observation_with_the_same_time_counts(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        for status in [Status::Suspended, Status::Active] {
            observe(repo, 1, present(status, "acme-coffee", NOON)).await;
            assert_eq!(find(repo, "acme").await.unwrap().status, status);
        }
        let before = find(repo, "acme").await;
        observe(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
        assert_eq!(find(repo, "acme").await, before);
    }

    /// An observation older than the stored one changes nothing (I22, L-30).
    pub async fn older_observation_changes_nothing(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, present(Status::Suspended, "renamed", seconds(60))).await;
        let before = find(repo, "acme").await;
        observe(repo, 1, present(Status::Active, "acme-coffee", seconds(59))).await;
        assert_eq!(find(repo, "acme").await, before);
    }

    /// An uninstallation keeps the binding, so that it can be shown and detached (L-29, L-35).
    pub async fn uninstallation_keeps_the_binding(repo: &dyn BindingRepo) {
        let before = bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, deleted(seconds(60))).await;
        let after = find(repo, "acme").await.unwrap();
        let expected = Binding {
            status: Status::Uninstalled,
            life: dead(seconds(60)),
            generation: after.generation,
            ..before
        };
        assert_eq!(after, expected);
    }

    /// A deletion is final, whatever the time of a later observation (I7, L-31).
    pub async fn uninstalled_is_final(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, deleted(seconds(60))).await;
        let before = find(repo, "acme").await.unwrap();
        for (status, after) in [(Status::Active, 59), (Status::Active, 61), (Status::Suspended, 62)] {
            observe(repo, 1, present(status, "acme-coffee", seconds(after))).await;
            let now = find(repo, "acme").await.unwrap();
            assert_eq!((now.status, now.generation), (Status::Uninstalled, before.generation));
            assert!(now.last_verified_at >= before.last_verified_at);
        }
    }

    /// An uninstallation counts if it is older than the stored observation, and does not move the time back (I7).
    pub async fn older_uninstallation_counts(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, present(Status::Active, "acme-coffee", seconds(60))).await;
        observe(repo, 1, deleted(seconds(30))).await;
        let now = find(repo, "acme").await.unwrap();
        assert_eq!((now.status, now.life), (Status::Uninstalled, dead(seconds(60))));
    }

    /// A repeated uninstallation raises no generation (L-32).
    pub async fn repeated_uninstallation_raises_no_generation(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 1, deleted(seconds(60))).await;
        let before = find(repo, "acme").await.unwrap();
        observe(repo, 1, deleted(seconds(70))).await;
        assert_eq!(find(repo, "acme").await, Some(Binding { life: dead(seconds(70)), ..before }));
    }

    /// An installation that was observed only as uninstalled stays so (I7, L-28).
    pub async fn installation_observed_only_as_uninstalled_stays_so(repo: &dyn BindingRepo) {
        observe(repo, 1, deleted(NOON)).await;
        observe(repo, 1, present(Status::Active, "acme-coffee", seconds(60))).await;
        let mut new = new_binding("acme", 1, "state");
        new.last_verified_at = seconds(61);
        assert_eq!(repo.insert(new).await.unwrap(), InsertOutcome::Gone);
        assert_eq!(find(repo, "acme").await, None);
    }

    /// `Present` with the status `uninstalled` counts as a 404, which is not final (I33).
    pub async fn present_with_status_uninstalled_is_a_404(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Uninstalled, "acme-coffee", seconds(1))).await;
        assert_eq!(record_of(repo, 1).await, None);
        bind(repo, new_binding("acme", 2, "state")).await;
        observe(repo, 2, present(Status::Uninstalled, "renamed", seconds(30))).await;
        let found = find(repo, "acme").await.unwrap();
        assert_eq!((found.status, found.account), (Status::Active, account("acme-coffee")));
        assert!(matches!(found.life.presence, Presence::Missing { .. }), "{:?}", found.life);
        observe(repo, 2, present(Status::Active, "acme-coffee", seconds(90))).await;
        assert_eq!(find(repo, "acme").await.unwrap().life, shown(seconds(90)));
    }
);
