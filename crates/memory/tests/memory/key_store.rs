//! Keys beyond the ports: overwriting them, and clones.

#![expect(clippy::unwrap_used, reason = "memory does not fail")]

use dockline::ports::{KeyAdmin, KeyStore};
use dockline::{KeyId, KeyRecord, Tier};
use dockline_memory::MemoryKeyStore;
use dockline_testkit::fixtures::{NOON, key_of};
use dockline_testkit::runner::block_on;

fn record(seed: u64) -> KeyRecord {
    key_of("org_acme", seed).1
}

fn find(keys: &dyn KeyStore, id: &KeyId) -> Option<KeyRecord> {
    block_on(keys.find(id)).unwrap()
}

#[test]
fn a_second_record_with_the_same_id_overwrites_the_first() {
    let keys = MemoryKeyStore::new();
    keys.put(record(1));
    let changed = KeyRecord { tier: Tier::partner(), ..record(1) };
    keys.put(changed.clone());
    assert_eq!(find(&keys, &changed.id), Some(changed));
}

// I13
#[test]
fn a_clone_sees_a_revocation_at_once() {
    let keys = MemoryKeyStore::new();
    keys.put(record(1));
    assert!(block_on(keys.clone().revoke(&record(1).id, NOON)).unwrap());
    assert_eq!(find(&keys, &record(1).id), Some(KeyRecord { revoked_at: Some(NOON), ..record(1) }));
}
