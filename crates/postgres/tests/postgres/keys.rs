//! What operators do with keys.

use dockline::KeyEnvironment;
use dockline::ports::KeyStore;
use dockline_postgres::PgKeyStore;
use time::Duration;

use crate::fixtures::{NOON, key, organization};
use crate::migrated;

#[tokio::test]
async fn a_key_comes_back_as_it_was_added_and_is_never_replaced() {
    let (_fresh, database) = migrated::database().await;
    let keys = PgKeyStore::new(&database);
    let record = key("0123456789ABCDEF", "org_acme");
    assert!(keys.insert(&record, "ci", NOON).await.unwrap());
    let mut other = key("0123456789ABCDEF", "org_mallory");
    other.environment = KeyEnvironment::Test;
    assert!(!keys.insert(&other, "theft", NOON).await.unwrap());
    assert_eq!(keys.find(&record.id).await.unwrap(), Some(record));
}

#[tokio::test]
async fn keys_are_listed_by_organization_oldest_first_revoked_ones_too() {
    let (_fresh, database) = migrated::database().await;
    let keys = PgKeyStore::new(&database);
    for (id, owner, after) in
        [("0000000000000001", "org_a", 2), ("0000000000000002", "org_b", 1), ("0000000000000003", "org_a", 0)]
    {
        assert!(keys.insert(&key(id, owner), id, NOON + Duration::seconds(after)).await.unwrap());
    }
    assert!(keys.revoke(&key("0000000000000003", "org_a").id, NOON).await.unwrap());
    let all = keys.list(None).await.unwrap();
    let names: Vec<_> = all.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["0000000000000003", "0000000000000002", "0000000000000001"]);
    assert_eq!(all.first().unwrap().record.revoked_at, Some(NOON));
    assert_eq!(all.first().unwrap().created_at, NOON);
    let of_a = keys.list(Some(&organization("org_a"))).await.unwrap();
    assert_eq!(of_a.len(), 2);
    assert!(keys.list(Some(&organization("org_c"))).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_key_that_was_never_given_out_cannot_be_revoked() {
    let (_fresh, database) = migrated::database().await;
    let keys = PgKeyStore::new(&database);
    assert!(!keys.revoke(&key("0000000000000009", "org_a").id, NOON).await.unwrap());
}
