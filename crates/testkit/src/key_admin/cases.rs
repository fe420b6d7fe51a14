//! Adding, listing, revoking and rotating keys.

use std::sync::Arc;

use dockline::ports::SeededEntropy;
use dockline::{ApiKey, KeyEntry, KeyEnvironment, KeyId, KeyRecord, Rotation, RotationTerms, Unrotatable};
use time::{Duration, OffsetDateTime, UtcOffset};

use super::KeyAdminDriver;
use crate::fixtures::{NOON, key_record as key, organization};
use crate::race::{ROUNDS, race};
use crate::runner::cases;

const OLD: &str = "0123456789ABCDEF";

fn fresh(seed: u64) -> ApiKey {
    ApiKey::mint(KeyEnvironment::Live, &SeededEntropy::new(seed)).unwrap()
}

fn terms(grace: Duration) -> RotationTerms {
    RotationTerms { old_expires_at: NOON + grace, expires_at: None }
}

async fn found(keys: &dyn KeyAdminDriver, id: &KeyId) -> Option<KeyRecord> {
    keys.keys().find(id).await.unwrap()
}

async fn insert(keys: &dyn KeyAdminDriver, record: &KeyRecord, name: &str, at: OffsetDateTime) -> bool {
    keys.admin().insert(record, name, at).await.unwrap()
}

async fn rotate(keys: &dyn KeyAdminDriver, old: &KeyId, fresh: &ApiKey, terms: &RotationTerms) -> Rotation {
    keys.admin().rotate(old, fresh, terms, NOON).await.unwrap()
}

async fn revoke(keys: &dyn KeyAdminDriver, id: &KeyId) -> bool {
    keys.other_node().revoke(id, NOON).await.unwrap()
}

async fn listed(keys: &dyn KeyAdminDriver, owner: Option<&str>) -> Vec<KeyEntry> {
    keys.other_node().list(owner.map(organization)).await.unwrap()
}

async fn entry(keys: &dyn KeyAdminDriver, id: &KeyId) -> Option<KeyEntry> {
    keys.other_node().entry(id).await.unwrap()
}

cases!(
    use __key_admin_cases as list;

    /// A key that was added is found, and another one of the same id is refused and changes nothing.
    pub async fn added_key_is_found_and_never_overwritten(keys: &dyn KeyAdminDriver) {
        let record = key("0123456789ABCDEF", "org_acme");
        assert!(insert(keys, &record, "ci", NOON).await);
        let mut other = key("0123456789ABCDEF", "org_mallory");
        other.environment = KeyEnvironment::Test;
        assert!(!insert(keys, &other, "theft", NOON).await);
        assert_eq!(found(keys, &record.id).await, Some(record));
    }

    /// Keys are listed oldest first, of all organizations or of one, revoked ones included.
    pub async fn keys_are_listed_by_organization_oldest_first_including_revoked_ones(
        keys: &dyn KeyAdminDriver,
    ) {
        for (id, owner, after) in [
            ("0000000000000001", "org_a", 2),
            ("0000000000000002", "org_b", 1),
            ("0000000000000003", "org_a", 0),
        ] {
            assert!(insert(keys, &key(id, owner), id, NOON + Duration::seconds(after)).await);
        }
        assert!(revoke(keys, &key("0000000000000003", "org_a").id).await);
        let all = listed(keys, None).await;
        let names: Vec<_> = all.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["0000000000000003", "0000000000000002", "0000000000000001"]);
        assert_eq!(all.first().unwrap().record.revoked_at, Some(NOON));
        assert_eq!(all.first().unwrap().created_at, NOON);
        let of_a = listed(keys, Some("org_a")).await;
        assert_eq!(of_a.len(), 2);
        assert!(listed(keys, Some("org_c")).await.is_empty());
    }

    /// Organizations that differ in the case of a letter have lists of their own (I10).
    pub async fn case_of_letters_distinguishes_organizations(keys: &dyn KeyAdminDriver) {
        for (id, owner) in [("0000000000000001", "org_a"), ("0000000000000002", "ORG_A")] {
            assert!(insert(keys, &key(id, owner), "", NOON).await);
        }
        for owner in ["org_a", "ORG_A"] {
            let owners: Vec<_> = listed(keys, Some(owner)).await;
            let [entry] = owners.as_slice() else { unreachable!("{owners:?}") };
            assert_eq!(entry.record.organization, organization(owner));
        }
    }

    /// Of several revocations the earliest applies, in whatever order and with whatever offsets they come.
    pub async fn earliest_revocation_applies(keys: &dyn KeyAdminDriver) {
        let record = key(OLD, "org_acme");
        assert!(insert(keys, &record, "", NOON).await);
        let minutes = |minutes| NOON + Duration::minutes(minutes);
        let east = UtcOffset::from_hms(5, 30, 0).unwrap();
        for (at, expected) in [(minutes(2), 2), (minutes(1).to_offset(east), 1), (minutes(3), 1)] {
            assert!(keys.other_node().revoke(&record.id, at).await.unwrap());
            assert_eq!(found(keys, &record.id).await.unwrap().revoked_at, Some(minutes(expected)));
        }
    }

    /// The revocation of an unknown key returns `false`.
    pub async fn unknown_key_cannot_be_revoked(keys: &dyn KeyAdminDriver) {
        assert!(!revoke(keys, &key("0000000000000009", "org_a").id).await);
    }

    /// A rotation copies everything but id, secret, expiry and use; the old key expires after the grace period.
    pub async fn rotation_copies_the_key_and_limits_the_old_one_to_the_grace_period(
        keys: &dyn KeyAdminDriver,
    ) {
        let old = key(OLD, "org_acme");
        assert!(insert(keys, &old, "ci", NOON - Duration::DAY).await);
        keys.used(&old.id, NOON).await;
        let terms = RotationTerms { expires_at: Some(NOON + Duration::WEEK), ..terms(Duration::HOUR) };
        let rotated = rotate(keys, &old.id, &fresh(1), &terms).await;

        let expected = KeyRecord {
            id: fresh(1).id().clone(),
            secret_hash: fresh(1).secret_hash(),
            expires_at: Some(NOON + Duration::WEEK),
            ..old.clone()
        };
        let old_expires_at = NOON + Duration::HOUR;
        assert_eq!(rotated, Rotation::Rotated { fresh: Box::new(expected.clone()), old_expires_at });
        assert_eq!(found(keys, &expected.id).await, Some(expected.clone()));
        let old = KeyRecord { expires_at: Some(old_expires_at), ..old };
        assert_eq!(found(keys, &old.id).await, Some(old.clone()));

        let entries = listed(keys, None).await;
        let [first, second] = entries.as_slice() else { unreachable!("{entries:?}") };
        assert_eq!((&first.record, &second.record), (&old, &expected));
        assert_eq!((first.name.as_str(), second.name.as_str()), ("ci", "ci"));
        assert_eq!((first.replaced_by.as_ref(), first.rotated_from.as_ref()), (Some(&expected.id), None));
        assert_eq!((second.replaced_by.as_ref(), second.rotated_from.as_ref()), (None, Some(&old.id)));
        assert_eq!((first.last_used_at, second.last_used_at), (Some(NOON), None), "a fresh key has no use");
        assert_eq!(second.created_at, NOON);
        assert_eq!(entry(keys, &old.id).await.as_ref(), Some(first));
    }

    /// The old key expires after the grace period, but never later than before.
    pub async fn old_key_expires_after_the_grace_period_or_earlier_if_it_already_did(
        keys: &dyn KeyAdminDriver,
    ) {
        for (seed, expires_in, grace, ends_in) in [
            (1, None, Duration::ZERO, Duration::ZERO),
            (2, Some(Duration::HOUR), Duration::DAY, Duration::HOUR),
            (3, Some(Duration::WEEK), Duration::DAY, Duration::DAY),
        ] {
            let id = format!("000000000000000{seed}");
            let old = KeyRecord { expires_at: expires_in.map(|life| NOON + life), ..key(&id, "org_acme") };
            assert!(insert(keys, &old, "", NOON).await);
            let rotated = rotate(keys, &old.id, &fresh(seed), &terms(grace)).await;
            let Rotation::Rotated { old_expires_at, .. } = rotated else { unreachable!("{rotated:?}") };
            assert_eq!(old_expires_at, NOON + ends_in);
            assert_eq!(found(keys, &old.id).await.unwrap().expires_at, Some(NOON + ends_in));
        }
    }

    /// A rotation that is refused changes nothing and leaves no fresh key.
    pub async fn refused_rotation_changes_nothing(keys: &dyn KeyAdminDriver) {
        let replaced = key("0000000000000001", "org_acme");
        assert!(insert(keys, &replaced, "", NOON).await);
        rotate(keys, &replaced.id, &fresh(100), &terms(Duration::DAY)).await;
        let replaced = found(keys, &replaced.id).await.unwrap();
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
            // The replaced key exists already.
            insert(keys, &old, "", NOON).await;
            let refused = rotate(keys, &old.id, &fresh(seed), &terms(Duration::HOUR)).await;
            assert_eq!(refused, Rotation::Refused(reason));
            assert_eq!(found(keys, &old.id).await, Some(old));
            assert_eq!(found(keys, fresh(seed).id()).await, None);
        }
        let unknown = key("0000000000000009", "org_acme").id;
        let refused = rotate(keys, &unknown, &fresh(9), &terms(Duration::HOUR)).await;
        assert_eq!(refused, Rotation::Refused(Unrotatable::Unknown));
        assert_eq!(found(keys, fresh(9).id()).await, None);
    }

    /// Of concurrent rotations one succeeds; the others return the winner's key and leave no fresh key.
    pub async fn one_of_several_concurrent_rotations_succeeds(keys: &Arc<dyn KeyAdminDriver>) {
        for round in ROUNDS {
            let old = key(&format!("{round:016}"), "org_acme");
            assert!(insert(&**keys, &old, "", NOON).await);
            let id = old.id.clone();
            let outcomes = race(keys, move |keys, number| {
                let id = id.clone();
                async move {
                    let fresh = fresh(round * 1_000 + number);
                    (fresh.id().clone(), rotate(&*keys, &id, &fresh, &terms(Duration::DAY)).await)
                }
            })
            .await;
            let winners: Vec<_> =
                outcomes.iter().filter(|(_, outcome)| matches!(outcome, Rotation::Rotated { .. })).collect();
            let [(winner, _)] = winners.as_slice() else { unreachable!("{winners:?}") };
            let refused = Rotation::Refused(Unrotatable::Replaced(winner.clone()));
            for (loser, outcome) in outcomes.iter().filter(|(id, _)| id != winner) {
                assert_eq!(*outcome, refused);
                assert_eq!(found(&**keys, loser).await, None);
            }
            assert_eq!(entry(&**keys, &old.id).await.unwrap().replaced_by.as_ref(), Some(winner));
        }
    }

    /// A revocation that races a rotation holds: the fresh key exists only if the rotation came first.
    pub async fn concurrent_rotation_does_not_undo_a_revocation(keys: &Arc<dyn KeyAdminDriver>) {
        for round in ROUNDS {
            let old = key(&format!("{round:016}"), "org_acme");
            assert!(insert(&**keys, &old, "", NOON).await);
            let id = old.id.clone();
            let outcomes = race(keys, move |keys, number| {
                let id = id.clone();
                async move {
                    if number == 1 {
                        return Some(rotate(&*keys, &id, &fresh(round), &terms(Duration::DAY)).await);
                    }
                    assert!(number != 2 || revoke(&*keys, &id).await);
                    None
                }
            })
            .await;
            assert_eq!(found(&**keys, &old.id).await.unwrap().revoked_at, Some(NOON));
            let made = found(&**keys, fresh(round).id()).await;
            match outcomes.into_iter().flatten().next().unwrap() {
                Rotation::Rotated { fresh, .. } => assert_eq!(made, Some(*fresh)),
                Rotation::Refused(reason) => assert_eq!((reason, made), (Unrotatable::Revoked, None)),
            }
        }
    }
);
