//! Final ends are kept, and only an operator has one forgotten (I7).

use dockline::ports::{BindingRepo, Directory, InsertOutcome, Observation, ObserveOutcome, ReleaseOutcome};
use dockline::{AppId, InstallationFacts, NewBinding, Presence, Status, UninstalledBy};
use dockline_sqlite::{
    AppNumber, SqliteApps, SqliteBindingRepo, SqliteDirectory, SqliteHousekeeping, SqliteTombstones,
    Tombstone, TombstoneReset,
};
use time::Duration;

use crate::fixtures::{NOON, account, actor, binding, installation, installer, organization};
use crate::test_database;

fn present(number: u64, days: i64) -> Observation {
    let asked_at = NOON + Duration::days(days);
    Observation::Present {
        status: Status::Active,
        account: account(number),
        asked_at,
        next_look_at: asked_at,
    }
}

/// An end that GitHub signed or confirmed stays the end of its number, however long ago it was. Only the
/// account is deleted.
#[tokio::test]
async fn final_ends_outlive_every_purge_without_their_account_i7() {
    let (_guard, database) = test_database::database().await;
    let app = database.with_app(AppNumber::FIRST);
    let (bindings, housekeeping) = (SqliteBindingRepo::new(&app), SqliteHousekeeping::new(&database));
    let directory = SqliteDirectory::new(&app);
    // 1 was bound and deleted, 2 uninstalled by us, 3 only heard of by its end, 4 is merely absent.
    for number in [1, 2, 4] {
        let organization = format!("org_{number}");
        bindings.insert(binding(&organization, number, "s")).await.unwrap();
        let facts = InstallationFacts::default();
        directory.record_facts(installation(number), &facts, Some(NOON)).await.unwrap();
    }
    for (number, end) in [
        (1, Observation::Deleted { at: NOON }),
        (2, Observation::UninstalledByUs { at: NOON }),
        (3, Observation::Deleted { at: NOON }),
        (4, Observation::Missing { asked_at: NOON }),
        (4, Observation::Missing { asked_at: NOON + Duration::HOUR }),
    ] {
        bindings.observe(installation(number), end).await.unwrap();
    }
    for number in [1, 2, 4] {
        let organization = organization(&format!("org_{number}"));
        let released = bindings.release(&organization, installation(number), &actor(), NOON).await.unwrap();
        assert!(matches!(released, ReleaseOutcome::Released(_)));
    }
    for years in [1, 2, 10] {
        let now = NOON + Duration::days(365 * years);
        while housekeeping.purge(now, 1).await.unwrap().all() > 0 {}
    }
    for number in [1, 2, 4] {
        assert_eq!(directory.facts(installation(number)).await.unwrap(), None, "{number}");
    }
    let record = async |number| bindings.installation(installation(number)).await.unwrap();
    for (number, by) in [(1, UninstalledBy::Deletion), (2, UninstalledBy::Us), (3, UninstalledBy::Deletion)] {
        let kept = record(number).await.unwrap();
        assert_eq!((kept.life.presence, kept.account), (Presence::Uninstalled { by }, None), "{number}");
        let later = bindings.observe(installation(number), present(number, 4_000)).await.unwrap();
        assert_eq!(later.outcome, ObserveOutcome::Gone, "{number}");
        let again =
            NewBinding { last_verified_at: NOON + Duration::days(4_000), ..binding("org_x", number, "x") };
        assert_eq!(bindings.insert(again).await.unwrap(), InsertOutcome::Gone, "{number}");
    }
    assert_eq!(record(4).await, None);
}

#[tokio::test]
async fn forgotten_end_leaves_an_entry_and_the_number_can_be_bound_again() {
    let (_guard, database) = test_database::database().await;
    let app = database.with_app(AppNumber::FIRST);
    let (bindings, tombstones) = (SqliteBindingRepo::new(&app), SqliteTombstones::new(&app));
    let (id, now) = (installation(1), NOON + Duration::days(40));
    bindings.insert(binding("org_a", 1, "s")).await.unwrap();
    bindings.record_installer(id, installer(77), NOON).await.unwrap();
    assert_eq!(tombstones.find(id).await.unwrap(), None, "it has not ended");
    assert_eq!(tombstones.reset(id, "", now).await.unwrap(), None);
    bindings.observe(id, Observation::Deleted { at: NOON }).await.unwrap();
    let tombstone = Tombstone {
        installation: id,
        organization: Some(organization("org_a")),
        by: UninstalledBy::Deletion,
        ended_at: NOON,
    };
    assert_eq!(tombstones.find(id).await.unwrap(), Some(tombstone.clone()));
    let before = bindings.installation(id).await.unwrap();
    assert_eq!(tombstones.reset(id, "", now).await.unwrap(), None, "it is bound");
    assert_eq!(bindings.installation(id).await.unwrap(), before);
    bindings.release(&organization("org_a"), id, &actor(), NOON).await.unwrap();
    assert_eq!(tombstones.find(id).await.unwrap(), Some(Tombstone { organization: None, ..tombstone }));
    // Another App's installation of this number is not touched.
    let other = SqliteApps::new(&database)
        .add("https://ghes.test/api/v3", AppId::new(2).unwrap(), NOON)
        .await
        .unwrap();
    SqliteBindingRepo::new(&other).observe(id, Observation::Deleted { at: NOON }).await.unwrap();

    let entry = TombstoneReset {
        installation: id,
        by: UninstalledBy::Deletion,
        ended_at: NOON,
        reset_at: now,
        note: "ann: restored from backup".to_owned(),
    };
    let generation = bindings.installation(id).await.unwrap().unwrap().generation;
    assert_eq!(tombstones.reset(id, &entry.note, now).await.unwrap(), Some(entry.clone()));
    assert_eq!(tombstones.reset(id, &entry.note, now).await.unwrap(), None, "it is forgotten already");
    assert_eq!(tombstones.resets().await.unwrap(), [entry]);
    assert_eq!(bindings.installer(id).await.unwrap(), None);
    let kept = bindings.installation(id).await.unwrap().unwrap();
    // Tokens of before are fenced off.
    assert_eq!((kept.account, kept.generation), (None, generation + 1));
    let again = NewBinding { last_verified_at: now, ..binding("org_b", 1, "t") };
    let InsertOutcome::Inserted(bound) =
        bindings.insert(NewBinding { account: account(5), ..again }).await.unwrap()
    else {
        panic!("not inserted");
    };
    assert_eq!((bound.account, bound.life.presence), (account(5), Presence::Shown));
    assert!(bound.generation > generation);
    assert_eq!(SqliteTombstones::new(&other).resets().await.unwrap(), []);
    let theirs = SqliteBindingRepo::new(&other).installation(id).await.unwrap().unwrap();
    assert!(theirs.life.presence.is_final());
}
