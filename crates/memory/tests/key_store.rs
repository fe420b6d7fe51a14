//! What `KeyStore` promises, kept by `MemoryKeyStore`.

#![expect(clippy::unwrap_used, reason = "fixtures are valid")]

use dockline::ports::{KeyStore, SeededEntropy};
use dockline::{ApiKey, KeyEnvironment, KeyId, KeyRecord, OrganizationId, Scope, Tier};
use dockline_memory::MemoryKeyStore;
use pollster::block_on;
use time::OffsetDateTime;
use time::macros::datetime;

const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);
const LATER: OffsetDateTime = datetime!(2026-06-01 13:00 UTC);

fn record(seed: u64) -> KeyRecord {
    let key = ApiKey::mint(KeyEnvironment::Live, &SeededEntropy::new(seed)).unwrap();
    KeyRecord {
        id: key.id().clone(),
        environment: key.environment(),
        secret_hash: key.secret_hash(),
        organization: OrganizationId::new("org_acme").unwrap(),
        organization_name: "Acme Coffee".into(),
        scopes: vec![Scope::GithubAdmin],
        tier: Tier::standard(),
        allowed_return_domains: vec!["app.acme.example".into()],
        revoked_at: None,
    }
}

fn find(keys: &dyn KeyStore, id: &KeyId) -> Option<KeyRecord> {
    block_on(keys.find(id)).unwrap()
}

#[test]
fn a_key_is_found_as_it_was_given() {
    let keys = MemoryKeyStore::new();
    keys.insert(record(1));
    keys.insert(record(2));
    assert_eq!(find(&keys, &record(1).id), Some(record(1)));
    assert_eq!(find(&keys, &record(2).id), Some(record(2)));
}

#[test]
fn an_id_that_was_never_given_out_is_none() {
    let keys = MemoryKeyStore::new();
    keys.insert(record(1));
    assert_eq!(find(&keys, &record(2).id), None);
}

#[test]
fn a_second_record_of_an_id_replaces_the_first() {
    let keys = MemoryKeyStore::new();
    keys.insert(record(1));
    let changed = KeyRecord { tier: Tier::partner(), ..record(1) };
    keys.insert(changed.clone());
    assert_eq!(find(&keys, &changed.id), Some(changed));
}

// I13: there is no cache that a revocation would have to wait for.
#[test]
fn a_revoked_key_is_found_at_once_with_the_time_of_its_revocation() {
    let keys = MemoryKeyStore::new();
    keys.insert(record(1));
    assert!(keys.clone().revoke(&record(1).id, NOON));
    assert_eq!(find(&keys, &record(1).id), Some(KeyRecord { revoked_at: Some(NOON), ..record(1) }));
}

#[test]
fn of_several_revocations_the_earliest_counts() {
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
fn revoking_an_unknown_key_says_so_and_makes_none() {
    let keys = MemoryKeyStore::new();
    assert!(!keys.revoke(&record(1).id, NOON));
    assert_eq!(find(&keys, &record(1).id), None);
}
