//! Final ends, and forgetting one.

use dockline::{NewBinding, Presence, Tombstone, TombstoneReset, UninstalledBy};
use time::Duration;

use super::OperatorsDriver;
use crate::binding_repo::{bind, deleted, new_binding, observe, record_of};
use crate::fixtures::{NOON, actor, installation, installer_record, numbered_account, organization};
use crate::runner::cases;

cases!(
    use __operators_tombstones as list;

    /// A final end is found. It can be forgotten once the installation is not bound, which leaves an audit entry; then the number
    /// can be bound again, to another account, too. Tokens of the earlier installation are fenced off by the generation, and the
    /// installation of this number in another App is not touched (I7, I35).
    pub async fn forgotten_end_leaves_an_entry_and_the_number_can_be_bound_again(
        driver: &dyn OperatorsDriver,
    ) {
        let (repo, other) = (driver.bindings(), driver.bindings_of_other_app());
        let tombstones = driver.tombstones();
        let (id, now) = (installation(1), NOON + Duration::days(40));
        bind(repo, new_binding("org_a", 1, "state")).await;
        repo.record_installer(id, installer_record(77), NOON).await.unwrap();
        assert_eq!(tombstones.find(id).await.unwrap(), None, "it has not ended");
        assert_eq!(tombstones.reset(id, "", now).await.unwrap(), None);
        observe(repo, 1, deleted(NOON)).await;
        let tombstone = Tombstone {
            installation: id,
            organization: Some(organization("org_a")),
            by: UninstalledBy::Deletion,
            ended_at: NOON,
        };
        assert_eq!(tombstones.find(id).await.unwrap(), Some(tombstone.clone()));
        let before = record_of(repo, 1).await;
        assert_eq!(tombstones.reset(id, "", now).await.unwrap(), None, "it is bound");
        assert_eq!(record_of(repo, 1).await, before);
        repo.release(&organization("org_a"), id, &actor(), NOON).await.unwrap();
        assert_eq!(tombstones.find(id).await.unwrap(), Some(Tombstone { organization: None, ..tombstone }));
        observe(other, 1, deleted(NOON)).await;

        let entry = TombstoneReset {
            installation: id,
            by: UninstalledBy::Deletion,
            ended_at: NOON,
            reset_at: now,
            note: "ann: restored from backup".to_owned(),
        };
        let generation = record_of(repo, 1).await.unwrap().generation;
        assert_eq!(tombstones.reset(id, &entry.note, now).await.unwrap(), Some(entry.clone()));
        assert_eq!(tombstones.reset(id, &entry.note, now).await.unwrap(), None, "it is forgotten already");
        assert_eq!(tombstones.resets().await.unwrap(), [entry]);
        assert_eq!(repo.installer(id).await.unwrap(), None);
        let kept = record_of(repo, 1).await.unwrap();
        assert_eq!((kept.account, kept.generation), (None, generation + 1));
        let again = NewBinding {
            account: numbered_account(5),
            last_verified_at: now,
            ..new_binding("org_b", 1, "another")
        };
        let bound = bind(repo, again).await;
        assert_eq!((bound.account, bound.life.presence), (numbered_account(5), Presence::Shown));
        assert!(bound.generation > generation);
        assert_eq!(driver.tombstones_of_other_app().resets().await.unwrap(), []);
        assert!(record_of(other, 1).await.unwrap().life.presence.is_final());
    }
);
