//! Keys beyond the port: inserting, revoking and rotating them.

#![expect(clippy::unwrap_used, reason = "memory does not fail")]

use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord, Rotation, RotationTerms, Tier, Unrotatable};
use dockline_memory::MemoryKeyStore;
use dockline_testkit::fixtures::{NOON, key_of};
use dockline_testkit::runner::block_on;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

const LATER: OffsetDateTime = datetime!(2026-06-01 13:00 UTC);

fn record(seed: u64) -> KeyRecord {
    key_of("org_acme", seed).1
}

fn find(keys: &dyn KeyStore, id: &KeyId) -> Option<KeyRecord> {
    block_on(keys.find(id)).unwrap()
}

#[test]
fn a_second_record_with_the_same_id_overwrites_the_first() {
    let keys = MemoryKeyStore::new();
    keys.insert(record(1));
    let changed = KeyRecord { tier: Tier::partner(), ..record(1) };
    keys.insert(changed.clone());
    assert_eq!(find(&keys, &changed.id), Some(changed));
}

#[test]
fn the_earliest_revocation_applies() {
    for times in [[NOON, LATER], [LATER, NOON]] {
        let keys = MemoryKeyStore::new();
        keys.insert(record(1));
        for time in times {
            assert!(keys.revoke(&record(1).id, time));
        }
        assert_eq!(find(&keys, &record(1).id).unwrap().revoked_at, Some(NOON));
    }
}

#[test]
fn revoking_an_unknown_key_returns_false_and_creates_none() {
    let keys = MemoryKeyStore::new();
    assert!(!keys.revoke(&record(1).id, NOON));
    assert_eq!(find(&keys, &record(1).id), None);
}

// I13
#[test]
fn a_clone_sees_a_revocation_at_once() {
    let keys = MemoryKeyStore::new();
    keys.insert(record(1));
    assert!(keys.clone().revoke(&record(1).id, NOON));
    assert_eq!(find(&keys, &record(1).id), Some(KeyRecord { revoked_at: Some(NOON), ..record(1) }));
}

#[test]
fn a_key_is_rotated_once_and_expires_after_its_grace_period() {
    let keys = MemoryKeyStore::new();
    keys.insert(record(1));
    let [fresh, late] = [2, 3].map(|seed| key_of("org_acme", seed).0);
    let terms = RotationTerms { old_expires_at: LATER, expires_at: Some(LATER + Duration::WEEK) };
    let Rotation::Rotated { fresh: made, old_expires_at } = keys.rotate(&record(1).id, &fresh, &terms, NOON)
    else {
        unreachable!("refused")
    };
    assert_eq!(old_expires_at, LATER);
    assert_eq!(find(&keys, fresh.id()), Some(*made));
    assert_eq!(find(&keys, &record(1).id), Some(KeyRecord { expires_at: Some(LATER), ..record(1) }));
    let again = keys.rotate(&record(1).id, &late, &terms, NOON);
    assert_eq!(again, Rotation::Refused(Unrotatable::Replaced(fresh.id().clone())));
    assert_eq!(find(&keys, late.id()), None);
    assert_eq!(keys.rotate(late.id(), &fresh, &terms, NOON), Rotation::Refused(Unrotatable::Unknown));
}
