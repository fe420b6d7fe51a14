//! The record of an installation, bound or not, and its installer.

use dockline::ports::{BindingRepo, InsertOutcome, Observation};
use dockline::{AccountId, Binding, InstallationId, InstallationRecord, NewBinding, Status};
use time::{Duration, OffsetDateTime};

use super::{
    INTERVAL, NOON, account, account_id, actor, bind, bound, dead, deleted, find, installation,
    installer_record, new_binding, observe, organization, present, record_of, seconds, shown,
};
use crate::runner::cases;

/// The record that matches the binding.
fn record_of_binding(binding: Binding) -> InstallationRecord {
    InstallationRecord {
        organization: Some(binding.organization),
        account: Some(binding.account),
        status: binding.status,
        life: binding.life,
        verified_at: binding.last_verified_at,
        generation: binding.generation,
    }
}

async fn record_installer(repo: &dyn BindingRepo, number: u64, person: u64, at: OffsetDateTime) {
    repo.record_installer(installation(number), installer_record(person), at).await.unwrap();
}

async fn installer(repo: &dyn BindingRepo, number: u64) -> Option<u64> {
    let record = repo.installer(installation(number)).await.unwrap()?;
    let person = record.installer.get();
    assert_eq!(record, installer_record(person));
    Some(person)
}

cases!(
    use __binding_repo_installation as list;

    /// An installation that was never observed has no record. Neither a query nor its installer nor changed permissions
    /// make one.
    pub async fn unobserved_installation_has_no_record(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 2, "state")).await;
        observe(repo, 3, deleted(NOON)).await;
        for _ in 0..2 {
            assert_eq!(record_of(repo, 1).await, None);
            observe(repo, 1, Observation::PermissionsChanged { at: NOON }).await;
            record_installer(repo, 1, 77, NOON).await;
        }
    }

    /// An unbound installation has the record that was observed, for all numbers of GitHub's (L-28, L-63).
    pub async fn unbound_installation_has_its_observed_record(repo: &dyn BindingRepo) {
        for (number, status) in
            [(1, Status::Active), (3_000_000_000, Status::Suspended), (InstallationId::MAX, Status::Active)]
        {
            let mut on = account("acme-coffee");
            on.id = account_id(number);
            let next_look_at = NOON + INTERVAL;
            let present = Observation::Present { status, account: on.clone(), asked_at: NOON, next_look_at };
            observe(repo, number, present).await;
            let expected = InstallationRecord {
                organization: None,
                account: Some(on),
                status,
                life: shown(NOON),
                verified_at: NOON,
                generation: 1,
            };
            assert_eq!(record_of(repo, number).await, Some(expected));
        }
    }

    /// The record of a bound installation names its organization and equals the binding, also after an observation.
    pub async fn record_of_a_bound_installation_matches_its_binding(repo: &dyn BindingRepo) {
        let binding = bind(repo, new_binding("acme", 1, "state")).await;
        bind(repo, new_binding("other", 2, "state")).await;
        assert_eq!(record_of(repo, 1).await, Some(record_of_binding(binding)));
        observe(repo, 1, present(Status::Suspended, "renamed", seconds(60))).await;
        let binding = bound(repo, 1).await.unwrap();
        assert_eq!(record_of(repo, 1).await, Some(record_of_binding(binding)));
    }

    /// The record outlives the binding, without its organization (I10, L-28).
    pub async fn record_of_a_released_installation_names_no_organization(repo: &dyn BindingRepo) {
        let binding = bind(repo, new_binding("acme", 1, "state")).await;
        repo.release(&organization("acme"), installation(1), &actor(), seconds(60)).await.unwrap();
        let record = record_of(repo, 1).await.unwrap();
        assert!(record.generation > binding.generation);
        let expected = InstallationRecord {
            organization: None,
            generation: record.generation,
            ..record_of_binding(binding)
        };
        assert_eq!(record, expected);
    }

    /// The record of an installation observed only as deleted has no account, and the latest of its looks (I7).
    pub async fn record_of_only_an_uninstallation_has_no_account(repo: &dyn BindingRepo) {
        for (at, observed_at) in [(60, 60), (30, 60), (90, 90)] {
            observe(repo, 1, deleted(seconds(at))).await;
            let expected = InstallationRecord {
                organization: None,
                account: None,
                status: Status::Uninstalled,
                life: dead(seconds(observed_at)),
                verified_at: seconds(60),
                generation: 1,
            };
            assert_eq!(record_of(repo, 1).await, Some(expected));
        }
    }

    /// An uninstalled installation keeps its account and its organization (L-35).
    pub async fn uninstalled_installation_keeps_account_and_organization(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
        bind(repo, new_binding("acme", 2, "state")).await;
        for (number, holder) in [(1, None), (2, Some(organization("acme")))] {
            observe(repo, number, deleted(seconds(60))).await;
            let record = record_of(repo, number).await.unwrap();
            let expected = InstallationRecord {
                organization: holder,
                account: Some(account("acme-coffee")),
                status: Status::Uninstalled,
                life: dead(seconds(60)),
                verified_at: NOON,
                generation: record.generation,
            };
            assert_eq!(record, expected);
        }
    }

    /// The time of a record is truncated, not rounded, to whole microseconds.
    pub async fn time_of_a_record_is_truncated_to_microseconds(repo: &dyn BindingRepo) {
        let observed = NOON + Duration::nanoseconds(1_999);
        observe(repo, 1, present(Status::Active, "acme-coffee", observed)).await;
        observe(repo, 2, deleted(observed)).await;
        for number in [1, 2] {
            let record = record_of(repo, number).await.unwrap();
            assert_eq!(record.verified_at, NOON + Duration::microseconds(1));
            assert_eq!(record.life.observed_at, NOON + Duration::microseconds(1));
        }
    }

    /// A refused insert makes no record of its installation (L-10).
    pub async fn refused_insert_makes_no_record(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 2, "state")).await;
        let refused = repo.insert(new_binding("acme", 1, "s")).await.unwrap();
        assert!(matches!(refused, InsertOutcome::Occupied(_)));
        assert_eq!(record_of(repo, 1).await, None);
        repo.release(&organization("acme"), installation(2), &actor(), seconds(60)).await.unwrap();
        assert_eq!(repo.insert(new_binding("acme", 1, "state")).await.unwrap(), InsertOutcome::Spent);
        assert_eq!(record_of(repo, 1).await, None);
        let dead = NewBinding { status: Status::Uninstalled, ..new_binding("acme", 1, "fresh") };
        assert_eq!(repo.insert(dead).await.unwrap(), InsertOutcome::Gone);
        assert_eq!(record_of(repo, 1).await, None);
    }

    /// An installation has no installer until one is recorded. Neither an observation nor a binding records one.
    pub async fn unrecorded_installer_is_none(repo: &dyn BindingRepo) {
        record_installer(repo, 2, 77, NOON).await;
        observe(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
        bind(repo, new_binding("acme", 1, "state")).await;
        assert_eq!(installer(repo, 1).await, None);
    }

    /// An installer is stored for an installation that was never observed, because webhooks come in any order (L-28).
    pub async fn installer_of_an_unobserved_installation_is_stored(repo: &dyn BindingRepo) {
        record_installer(repo, 1, 77, NOON).await;
        assert_eq!(installer(repo, 1).await, Some(77));
    }

    /// The first recorded installer stays, whatever the time of a later one (L-32).
    pub async fn first_installer_stays(repo: &dyn BindingRepo) {
        record_installer(repo, 1, 77, NOON).await;
        for (person, after) in [(77, 60), (78, 60), (79, 0), (80, -60)] {
            record_installer(repo, 1, person, seconds(after)).await;
            assert_eq!(installer(repo, 1).await, Some(77));
        }
    }

    /// Each installation has its own installer, for all numbers of GitHub's (L-63).
    pub async fn installers_are_stored_per_installation(repo: &dyn BindingRepo) {
        let installers = [
            (1, 77),
            (2, 77),
            (3, 78),
            (3_000_000_000, 3_000_000_001),
            (InstallationId::MAX, AccountId::MAX),
        ];
        for (number, person) in installers {
            record_installer(repo, number, person, NOON).await;
        }
        for (number, person) in installers {
            assert_eq!(installer(repo, number).await, Some(person));
        }
    }

    /// Recording an installer changes neither records nor bindings (L-29).
    pub async fn recording_an_installer_changes_nothing_else(repo: &dyn BindingRepo) {
        record_installer(repo, 1, 77, seconds(60)).await;
        assert_eq!(record_of(repo, 1).await, None);
        let binding = bind(repo, new_binding("acme", 2, "state")).await;
        observe(repo, 3, deleted(NOON)).await;
        let before = record_of(repo, 3).await;
        for number in [2, 3] {
            record_installer(repo, number, 77, seconds(60)).await;
        }
        assert_eq!(find(repo, "acme").await, Some(binding));
        assert_eq!(record_of(repo, 3).await, before);
    }

    /// The installer stays through observation, binding, release and uninstallation.
    pub async fn installer_stays_through_every_change(repo: &dyn BindingRepo) {
        record_installer(repo, 1, 77, NOON).await;
        observe(repo, 1, present(Status::Active, "acme-coffee", seconds(1))).await;
        assert_eq!(installer(repo, 1).await, Some(77));
        bind(repo, new_binding("acme", 1, "state")).await;
        assert_eq!(installer(repo, 1).await, Some(77));
        repo.release(&organization("acme"), installation(1), &actor(), seconds(60)).await.unwrap();
        assert_eq!(installer(repo, 1).await, Some(77));
        observe(repo, 1, deleted(seconds(61))).await;
        assert_eq!(installer(repo, 1).await, Some(77));
    }
);
