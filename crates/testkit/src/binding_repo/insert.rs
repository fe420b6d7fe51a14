//! A binding is inserted once, found by its organization, and refused if it conflicts with what is stored.

use dockline::ports::{BindingRepo, InsertOutcome};
use dockline::{AccountKind, Binding, InstallationId, NewBinding, Proof, Status};
use time::Duration;

use super::{
    NOON, account, account_id, actor, bind, bound, deleted, find, installation, new_binding, observe,
    organization, present, seconds, shown,
};
use crate::runner::cases;

/// Leaves `acme` without a binding, but with a spent state.
async fn spend(repo: &dyn BindingRepo, state: &str) {
    bind(repo, new_binding("acme", 1, state)).await;
    repo.release(&organization("acme"), installation(1), &actor(), seconds(30)).await.unwrap();
}

cases!(
    use __binding_repo_insert as list;

    /// An organization without a binding finds none, also beside another organization's (I10).
    pub async fn organization_without_binding_finds_none(repo: &dyn BindingRepo) {
        bind(repo, new_binding("other", 1, "state")).await;
        assert_eq!(find(repo, "acme").await, None);
        assert_eq!(bound(repo, 2).await, None);
    }

    /// A binding is found by its organization, and its installation's record names the organization (I1).
    pub async fn binding_is_found_from_both_sides(repo: &dyn BindingRepo) {
        let acme = bind(repo, new_binding("acme", 1, "state")).await;
        let other = bind(repo, new_binding("other", 2, "state")).await;
        assert_eq!(find(repo, "acme").await.as_ref(), Some(&acme));
        assert_eq!(find(repo, "other").await.as_ref(), Some(&other));
        assert_eq!(bound(repo, 1).await, Some(acme));
        assert_eq!(bound(repo, 2).await, Some(other));
    }

    /// The returned row is the stored row (L-64).
    pub async fn insert_returns_the_stored_row(repo: &dyn BindingRepo) {
        let new = new_binding("acme", 1, "state");
        let binding = bind(repo, new.clone()).await;
        let expected = Binding {
            organization: new.organization,
            installation: new.installation,
            account: new.account,
            status: new.status,
            life: shown(new.last_verified_at),
            proof: new.proof,
            proven_by: new.proven_by,
            actor: new.actor,
            registered_at: new.registered_at,
            last_verified_at: new.last_verified_at,
            generation: binding.generation,
        };
        assert_eq!(binding, expected);
        assert_eq!(find(repo, "acme").await, Some(expected));
    }

    /// Every field keeps every value: status, kind of account, proof, with a person and without (I2, L-08).
    pub async fn every_kind_of_binding_round_trips(repo: &dyn BindingRepo) {
        let proofs = [Proof::State, Proof::Visible, Proof::Administered, Proof::Installed];
        for (proof, number) in proofs.into_iter().zip(1..) {
            for (status, kind, suffix) in [
                (Status::Active, AccountKind::User, "a"),
                (Status::Suspended, AccountKind::Organization, "b"),
            ] {
                let name = format!("{proof}-{suffix}");
                let id = 2 * number + u64::from(kind == AccountKind::User);
                let mut new = NewBinding { status, proof, ..new_binding(&name, id, "state") };
                new.account.kind = kind;
                new.proven_by = (kind == AccountKind::User).then_some(new.account.id);
                let expected = (status, proof, new.account.clone(), new.proven_by);
                bind(repo, new).await;
                let row = find(repo, &name).await.unwrap();
                assert_eq!((row.status, row.proof, row.account, row.proven_by), expected);
            }
        }
    }

    /// Times are truncated, not rounded, to whole microseconds, so that the returned row equals the stored one (I4).
    pub async fn times_are_truncated_to_microseconds(repo: &dyn BindingRepo) {
        let mut new = new_binding("acme", 1, "state");
        new.last_verified_at = NOON + Duration::nanoseconds(1_999);
        new.registered_at = seconds(2) + Duration::nanoseconds(999_999_999);
        let binding = bind(repo, new).await;
        assert_eq!(binding.last_verified_at, NOON + Duration::microseconds(1));
        assert_eq!(binding.registered_at, seconds(2) + Duration::microseconds(999_999));
        assert_eq!(find(repo, "acme").await, Some(binding));
    }

    /// GitHub's numbers exceed 32 bits: all from 1 to 2^53 − 1 are stored (L-63).
    pub async fn numbers_beyond_32_bits_round_trip(repo: &dyn BindingRepo) {
        for (name, number) in [("acme", 3_000_000_000), ("other", InstallationId::MAX)] {
            let mut new = new_binding(name, number, "state");
            new.account.id = account_id(number);
            new.proven_by = Some(account_id(number));
            let binding = bind(repo, new).await;
            assert_eq!((binding.account.id.get(), binding.installation.get()), (number, number));
            assert_eq!(bound(repo, number).await, Some(binding.clone()));
            assert_eq!(find(repo, name).await, Some(binding));
        }
    }

    /// Organization ids are opaque: case, length and special characters distinguish them (I10).
    pub async fn organization_must_match_exactly(repo: &dyn BindingRepo) {
        let long = "x".repeat(128);
        let names = ["acme", "ACME", "acme.", "a%", "a_", "';--", "\\", &long];
        for (name, number) in names.into_iter().zip(1..) {
            bind(repo, new_binding(name, number, "state")).await;
        }
        for (name, number) in names.into_iter().zip(1..) {
            let binding = find(repo, name).await.unwrap();
            assert_eq!(
                (binding.organization, binding.installation),
                (organization(name), installation(number))
            );
        }
        assert_eq!(find(repo, &long[1..]).await, None);
    }

    /// A repeated insert returns the first row, with its `registered_at` (I4).
    pub async fn repeated_insert_returns_the_first_row(repo: &dyn BindingRepo) {
        let first = bind(repo, new_binding("acme", 1, "state")).await;
        let again = NewBinding { registered_at: seconds(60), ..new_binding("acme", 1, "another state") };
        assert_eq!(repo.insert(again).await.unwrap(), InsertOutcome::Occupied(first));
    }

    /// An organization that has a binding is `Occupied` for a second installation, and keeps the first (I1, I5, L-51).
    pub async fn second_installation_of_an_organization_is_refused(repo: &dyn BindingRepo) {
        let first = bind(repo, new_binding("acme", 1, "state")).await;
        let second = repo.insert(new_binding("acme", 2, "another state")).await.unwrap();
        assert_eq!(second, InsertOutcome::Occupied(first.clone()));
        assert_eq!(find(repo, "acme").await, Some(first));
        assert_eq!(bound(repo, 2).await, None);
    }

    /// An installation of another organization is `Taken`, and its binding stays unchanged (I1, L-05, L-06).
    pub async fn installation_of_another_organization_is_refused(repo: &dyn BindingRepo) {
        let first = bind(repo, new_binding("acme", 1, "state")).await;
        let taken = repo.insert(new_binding("other", 1, "another state")).await.unwrap();
        assert_eq!(taken, InsertOutcome::Taken);
        assert_eq!(find(repo, "other").await, None);
        assert_eq!(bound(repo, 1).await, Some(first));
    }

    /// An uninstalled installation is `Gone`, also if the new binding is verified later (I7).
    pub async fn uninstalled_installation_is_refused(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
        observe(repo, 1, deleted(seconds(1))).await;
        let mut new = new_binding("acme", 1, "state");
        new.last_verified_at = seconds(5);
        assert_eq!(repo.insert(new).await.unwrap(), InsertOutcome::Gone);
        assert_eq!(find(repo, "acme").await, None);
    }

    /// An installation is `Gone` if its uninstallation is all that was observed of it (L-09, L-28).
    pub async fn installation_observed_only_as_uninstalled_is_refused(repo: &dyn BindingRepo) {
        observe(repo, 1, deleted(NOON)).await;
        assert_eq!(repo.insert(new_binding("acme", 1, "state")).await.unwrap(), InsertOutcome::Gone);
        assert_eq!(find(repo, "acme").await, None);
    }

    /// A new binding with the status `uninstalled` is `Gone` and stores nothing about the installation (I7).
    pub async fn binding_with_status_uninstalled_is_refused(repo: &dyn BindingRepo) {
        let dead = NewBinding { status: Status::Uninstalled, ..new_binding("acme", 1, "state") };
        assert_eq!(repo.insert(dead).await.unwrap(), InsertOutcome::Gone);
        assert_eq!(find(repo, "acme").await, None);
        bind(repo, new_binding("acme", 1, "state")).await;
    }

    /// A state makes at most one binding, also after the binding is released (I3, L-17).
    pub async fn state_of_a_released_binding_is_spent(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        repo.release(&organization("acme"), installation(1), &actor(), seconds(60)).await.unwrap();
        for number in [1, 2] {
            let outcome = repo.insert(new_binding("acme", number, "state")).await.unwrap();
            assert_eq!(outcome, InsertOutcome::Spent);
        }
        assert_eq!(find(repo, "acme").await, None);
    }

    /// A state is spent for its own organization only (L-19).
    pub async fn state_is_spent_per_organization(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        bind(repo, new_binding("other", 2, "state")).await;
    }

    /// `Occupied` precedes every other refusal, so that a repeated call gets its row back (I4).
    pub async fn occupied_precedes_taken_gone_and_spent(repo: &dyn BindingRepo) {
        let first = bind(repo, new_binding("acme", 1, "state")).await;
        bind(repo, new_binding("other", 2, "state")).await;
        observe(repo, 2, deleted(seconds(60))).await;
        let outcome = repo.insert(new_binding("acme", 2, "state")).await.unwrap();
        assert_eq!(outcome, InsertOutcome::Occupied(first));
    }

    /// `Taken` precedes `Gone` and `Spent`.
    pub async fn taken_precedes_gone_and_spent(repo: &dyn BindingRepo) {
        spend(repo, "state").await;
        bind(repo, new_binding("other", 2, "state")).await;
        observe(repo, 2, deleted(seconds(60))).await;
        assert_eq!(repo.insert(new_binding("acme", 2, "state")).await.unwrap(), InsertOutcome::Taken);
    }

    /// `Gone` precedes `Spent`.
    pub async fn gone_precedes_spent(repo: &dyn BindingRepo) {
        spend(repo, "state").await;
        observe(repo, 2, deleted(seconds(60))).await;
        assert_eq!(repo.insert(new_binding("acme", 2, "state")).await.unwrap(), InsertOutcome::Gone);
    }

    /// A refused insert changes neither bindings nor the record of the installation (I5, L-06, L-10).
    pub async fn refused_insert_changes_nothing(repo: &dyn BindingRepo) {
        spend(repo, "spent").await;
        let held = bind(repo, new_binding("other", 2, "state")).await;
        let newer = |organization: &str, number, state: &str| NewBinding {
            account: account("renamed"),
            status: Status::Suspended,
            last_verified_at: seconds(60),
            registered_at: seconds(60),
            ..new_binding(organization, number, state)
        };
        let occupied = repo.insert(newer("other", 2, "state 2")).await.unwrap();
        assert_eq!(occupied, InsertOutcome::Occupied(held.clone()));
        assert_eq!(repo.insert(newer("acme", 2, "state 3")).await.unwrap(), InsertOutcome::Taken);
        assert_eq!(repo.insert(newer("acme", 1, "spent")).await.unwrap(), InsertOutcome::Spent);
        assert_eq!(find(repo, "other").await, Some(held));
        let bound = bind(repo, new_binding("acme", 1, "state 4")).await;
        assert_eq!((bound.status, bound.last_verified_at), (Status::Active, NOON));
    }

    /// A refused insert does not spend its state, so that the registration can be repeated (I6, L-20).
    pub async fn refused_insert_does_not_spend_its_state(repo: &dyn BindingRepo) {
        bind(repo, new_binding("other", 1, "state")).await;
        assert_eq!(repo.insert(new_binding("acme", 1, "mine")).await.unwrap(), InsertOutcome::Taken);
        bind(repo, new_binding("acme", 2, "mine")).await;
    }

    /// The new binding's status and account are stored if they were verified later than the stored ones (L-53).
    pub async fn newer_facts_of_an_insert_are_stored(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Active, "old-name", NOON)).await;
        let new = NewBinding {
            account: account("new-name"),
            status: Status::Suspended,
            last_verified_at: seconds(1),
            ..new_binding("acme", 1, "state")
        };
        let binding = bind(repo, new).await;
        assert_eq!(binding.account, account("new-name"));
        assert_eq!(binding.status, Status::Suspended);
        assert_eq!(binding.last_verified_at, seconds(1));
    }

    /// The new binding's status and account are ignored if the stored ones were verified later (L-30).
    pub async fn older_facts_of_an_insert_are_ignored(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Suspended, "new-name", seconds(1))).await;
        let binding = bind(repo, new_binding("acme", 1, "state")).await;
        assert_eq!(binding.account, account("new-name"));
        assert_eq!(binding.status, Status::Suspended);
        assert_eq!(binding.last_verified_at, seconds(1));
        assert_eq!(binding.registered_at, seconds(2));
    }
);
