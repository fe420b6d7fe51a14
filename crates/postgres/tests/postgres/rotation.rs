//! Putting a fresh key in the place of an old one.

use std::sync::Arc;

use dockline::ports::{KeyStore, KeyUsage, SeededEntropy};
use dockline::{ApiKey, KeyEnvironment, KeyId, KeyRecord, Rotation, RotationTerms, Unrotatable};
use dockline_postgres::{PgKeyStore, PgKeyUsage};
use dockline_testkit::race::{ROUNDS, race};
use time::{Duration, OffsetDateTime};

use crate::fixtures::{NOON, key};
use crate::migrated;

const OLD: &str = "0123456789ABCDEF";

fn fresh(seed: u64) -> ApiKey {
    ApiKey::mint(KeyEnvironment::Live, &SeededEntropy::new(seed)).unwrap()
}

fn terms(grace: Duration) -> RotationTerms {
    RotationTerms { old_expires_at: NOON + grace, expires_at: None }
}

async fn found(keys: &PgKeyStore, id: &KeyId) -> Option<KeyRecord> {
    keys.find(id).await.unwrap()
}

#[tokio::test]
async fn the_fresh_key_has_all_that_the_old_one_had_and_the_old_one_ends_after_its_grace() {
    let (_fresh, database) = migrated::database().await;
    let keys = PgKeyStore::new(&database);
    let old = key(OLD, "org_acme");
    assert!(keys.insert(&old, "ci", NOON - Duration::DAY).await.unwrap());
    let usage = PgKeyUsage::new(&database);
    usage.used(&old.id, NOON);
    usage.write().await.unwrap();
    let terms = RotationTerms { expires_at: Some(NOON + Duration::WEEK), ..terms(Duration::HOUR) };
    let rotated = keys.rotate(&old.id, &fresh(1), &terms, NOON).await.unwrap();

    let expected = KeyRecord {
        id: fresh(1).id().clone(),
        secret_hash: fresh(1).secret_hash(),
        expires_at: Some(NOON + Duration::WEEK),
        ..old.clone()
    };
    let old_expires_at = NOON + Duration::HOUR;
    assert_eq!(rotated, Rotation::Rotated { fresh: Box::new(expected.clone()), old_expires_at });
    assert_eq!(found(&keys, &expected.id).await, Some(expected.clone()));
    let old = KeyRecord { expires_at: Some(old_expires_at), ..old };
    assert_eq!(found(&keys, &old.id).await, Some(old.clone()));

    let entries = keys.list(None).await.unwrap();
    let [first, second] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((&first.record, &second.record), (&old, &expected));
    assert_eq!((first.name.as_str(), second.name.as_str()), ("ci", "ci"));
    assert_eq!((first.replaced_by.as_ref(), first.rotated_from.as_ref()), (Some(&expected.id), None));
    assert_eq!((second.replaced_by.as_ref(), second.rotated_from.as_ref()), (None, Some(&old.id)));
    assert_eq!((first.last_used_at, second.last_used_at), (Some(NOON), None), "a fresh key is not used yet");
    assert_eq!(second.created_at, NOON);
    assert_eq!(keys.entry(&old.id).await.unwrap().as_ref(), Some(first));
}

#[tokio::test]
async fn no_grace_is_at_once_and_a_shorter_life_is_never_lengthened() {
    let (_fresh, database) = migrated::database().await;
    let keys = PgKeyStore::new(&database);
    for (seed, expires_in, grace, ends_in) in [
        (1, None, Duration::ZERO, Duration::ZERO),
        (2, Some(Duration::HOUR), Duration::DAY, Duration::HOUR),
        (3, Some(Duration::WEEK), Duration::DAY, Duration::DAY),
    ] {
        let id = format!("000000000000000{seed}");
        let old = KeyRecord { expires_at: expires_in.map(|life| NOON + life), ..key(&id, "org_acme") };
        assert!(keys.insert(&old, "", NOON).await.unwrap());
        let rotated = keys.rotate(&old.id, &fresh(seed), &terms(grace), NOON).await.unwrap();
        let Rotation::Rotated { old_expires_at, .. } = rotated else { panic!("{rotated:?}") };
        assert_eq!(old_expires_at, NOON + ends_in);
        assert_eq!(found(&keys, &old.id).await.unwrap().expires_at, Some(NOON + ends_in));
    }
}

#[tokio::test]
async fn what_cannot_be_rotated_is_left_as_it_is_and_leaves_no_fresh_key() {
    let (_fresh, database) = migrated::database().await;
    let keys = PgKeyStore::new(&database);
    let replaced = key("0000000000000001", "org_acme");
    assert!(keys.insert(&replaced, "", NOON).await.unwrap());
    keys.rotate(&replaced.id, &fresh(100), &terms(Duration::DAY), NOON).await.unwrap();
    let replaced = found(&keys, &replaced.id).await.unwrap();
    let at = |at: OffsetDateTime| Some(at);
    let cases = [
        (replaced, Unrotatable::Replaced(fresh(100).id().clone())),
        (KeyRecord { revoked_at: at(NOON), ..key("0000000000000002", "org_acme") }, Unrotatable::Revoked),
        (
            KeyRecord { revoked_at: at(NOON + Duration::DAY), ..key("0000000000000003", "org_acme") },
            Unrotatable::Revoked,
        ),
        (KeyRecord { expires_at: at(NOON), ..key("0000000000000004", "org_acme") }, Unrotatable::Expired),
        (
            KeyRecord { environment: KeyEnvironment::Test, ..key("0000000000000005", "org_acme") },
            Unrotatable::OtherEnvironment,
        ),
    ];
    for (seed, (old, reason)) in (1..).zip(cases) {
        // The first is there already.
        keys.insert(&old, "", NOON).await.unwrap();
        let refused = keys.rotate(&old.id, &fresh(seed), &terms(Duration::HOUR), NOON).await.unwrap();
        assert_eq!(refused, Rotation::Refused(reason));
        assert_eq!(found(&keys, &old.id).await, Some(old));
        assert_eq!(found(&keys, fresh(seed).id()).await, None);
    }
    let unknown = key("0000000000000009", "org_acme").id;
    let refused = keys.rotate(&unknown, &fresh(9), &terms(Duration::HOUR), NOON).await.unwrap();
    assert_eq!(refused, Rotation::Refused(Unrotatable::Unknown));
    assert_eq!(found(&keys, fresh(9).id()).await, None);
}

/// Of 16 who rotate one key at one moment exactly one wins, the others are told who, and there is one fresh key.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_who_rotate_one_key_one_wins_and_the_others_are_told_who() {
    let (_fresh, database) = migrated::database().await;
    let keys = Arc::new(PgKeyStore::new(&database));
    for round in ROUNDS {
        let old = key(&format!("{round:016}"), "org_acme");
        assert!(keys.insert(&old, "", NOON).await.unwrap());
        let id = old.id.clone();
        let outcomes = race(&keys, move |keys, number| {
            let id = id.clone();
            async move {
                let fresh = fresh(round * 1_000 + number);
                (fresh.id().clone(), keys.rotate(&id, &fresh, &terms(Duration::DAY), NOON).await.unwrap())
            }
        })
        .await;
        let winners: Vec<_> =
            outcomes.iter().filter(|(_, outcome)| matches!(outcome, Rotation::Rotated { .. })).collect();
        let [(winner, _)] = winners.as_slice() else { panic!("{winners:?}") };
        let told = Rotation::Refused(Unrotatable::Replaced(winner.clone()));
        for (loser, outcome) in outcomes.iter().filter(|(id, _)| id != winner) {
            assert_eq!(*outcome, told);
            assert_eq!(found(&keys, loser).await, None);
        }
        assert_eq!(keys.entry(&old.id).await.unwrap().unwrap().replaced_by.as_ref(), Some(winner));
    }
}

/// A revocation that races a rotation: whoever is first, the old key ends at once, and a fresh one is there only where
/// the rotation came first.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_never_takes_a_revocation_back() {
    let (_fresh, database) = migrated::database().await;
    let keys = PgKeyStore::new(&database);
    for round in ROUNDS {
        let old = key(&format!("{round:016}"), "org_acme");
        assert!(keys.insert(&old, "", NOON).await.unwrap());
        let fresh = fresh(round);
        let terms = terms(Duration::DAY);
        let (rotated, revoked) =
            tokio::join!(keys.rotate(&old.id, &fresh, &terms, NOON), keys.revoke(&old.id, NOON));
        assert!(revoked.unwrap());
        assert_eq!(found(&keys, &old.id).await.unwrap().revoked_at, Some(NOON));
        let made = found(&keys, fresh.id()).await;
        match rotated.unwrap() {
            Rotation::Rotated { fresh, .. } => assert_eq!(made, Some(*fresh)),
            Rotation::Refused(reason) => assert_eq!((reason, made), (Unrotatable::Revoked, None)),
        }
    }
}
