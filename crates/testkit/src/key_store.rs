//! What a [`KeyStore`] promises. [`key_store_suite!`](crate::key_store_suite) runs it all.

use std::borrow::Cow;
use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyEnvironment, KeyId, KeyRecord, Scope, Tier};
use time::{Duration, OffsetDateTime};

/// Puts keys into a store: the port itself only reads.
#[async_trait]
pub trait KeyStoreDriver: Debug + Send + Sync + 'static {
    /// The store under test.
    fn keys(&self) -> &dyn KeyStore;

    /// Gives a key out.
    async fn insert(&self, record: KeyRecord);

    /// Has the key refused from `at` on.
    async fn revoke(&self, id: &KeyId, at: OffsetDateTime);
}

/// One `#[test]` for each clause of [`KeyStore`](crate::dockline::ports::KeyStore), in a module `key_store`.
///
/// Takes a future that gives a [`KeyStoreDriver`] over a fresh, empty, isolated store, or `(guard, driver)`, and where
/// the guard has to be taken down asynchronously, `teardown = |guard| async move { … }`.
#[macro_export]
macro_rules! key_store_suite {
    ($fresh:expr) => {
        $crate::key_store_suite!($fresh, teardown = $crate::runner::drop_guard);
    };
    ($fresh:expr, teardown = $teardown:expr) => {
        $crate::__suite! {
            key_store, $crate::key_store::KeyStoreDriver, $fresh, $teardown;
            clauses:
                a_key_is_found_as_it_was_given,
                every_kind_of_record_comes_back,
                an_id_that_was_never_given_out_is_none,
                an_id_is_matched_by_the_letter,
                a_revoked_key_is_found_at_once_with_the_time_of_its_revocation,
                an_expired_key_is_found_with_the_time_of_its_expiry,
                revoking_one_key_leaves_the_others;
        }
    };
}

/// The clauses.
pub mod clauses {
    use super::*;
    use crate::fixtures::{NOON, key_of};

    fn record(seed: u64) -> KeyRecord {
        key_of("org_acme", seed).1
    }

    async fn find(driver: &dyn KeyStoreDriver, id: &KeyId) -> Option<KeyRecord> {
        driver.keys().find(id).await.unwrap()
    }

    /// What was given out comes back whole, each key under its own id.
    pub async fn a_key_is_found_as_it_was_given(driver: &dyn KeyStoreDriver) {
        driver.insert(record(1)).await;
        driver.insert(record(2)).await;
        assert_eq!(find(driver, &record(1).id).await, Some(record(1)));
        assert_eq!(find(driver, &record(2).id).await, Some(record(2)));
    }

    /// Both worlds, every sort of scope, none at all, a host's own tier, any name: nothing is flattened.
    pub async fn every_kind_of_record_comes_back(driver: &dyn KeyStoreDriver) {
        let tier = Tier {
            name: Cow::Borrowed("of the house"),
            reads_per_minute: u32::MAX,
            writes_per_minute: 0,
            writes_per_day: 1,
        };
        let odd = KeyRecord {
            environment: KeyEnvironment::Test,
            organization_name: "Übel & Söhne'; -- \\ \"99 %\" 日本 🐘".parse().unwrap(),
            scopes: vec![Scope::Other("other, thing".into()), Scope::All, Scope::GithubAdmin],
            tier,
            return_hosts: vec!["b.example".into(), "a.example".into()],
            revoked_at: Some(NOON),
            expires_at: Some(NOON + Duration::DAY),
            ..record(1)
        };
        let bare = KeyRecord { scopes: vec![], return_hosts: vec![], ..record(2) };
        for record in [odd, bare] {
            driver.insert(record.clone()).await;
            assert_eq!(find(driver, &record.id).await, Some(record));
        }
    }

    /// No record, no caller.
    pub async fn an_id_that_was_never_given_out_is_none(driver: &dyn KeyStoreDriver) {
        assert_eq!(find(driver, &record(1).id).await, None);
        driver.insert(record(1)).await;
        assert_eq!(find(driver, &record(2).id).await, None);
    }

    /// Neither the beginning of an id nor a longer one is that id.
    pub async fn an_id_is_matched_by_the_letter(driver: &dyn KeyStoreDriver) {
        driver.insert(record(1)).await;
        let id = record(1).id;
        let longer = format!("{id}0");
        let shorter = id.as_str().strip_suffix(|_: char| true).unwrap();
        for other in [longer.as_str(), shorter] {
            assert_eq!(find(driver, &KeyId::parse(other).unwrap()).await, None);
        }
    }

    /// A revoked key is still found, so that the core can tell; no cache stands between (I13).
    pub async fn a_revoked_key_is_found_at_once_with_the_time_of_its_revocation(driver: &dyn KeyStoreDriver) {
        driver.insert(record(1)).await;
        assert_eq!(find(driver, &record(1).id).await, Some(record(1)));
        driver.revoke(&record(1).id, NOON).await;
        let revoked = KeyRecord { revoked_at: Some(NOON), ..record(1) };
        assert_eq!(find(driver, &record(1).id).await, Some(revoked));
    }

    /// Long expired ones, too, so that the core can tell; a revocation leaves the expiry as it is.
    pub async fn an_expired_key_is_found_with_the_time_of_its_expiry(driver: &dyn KeyStoreDriver) {
        for (seed, expires_at) in
            (1..).zip([NOON - Duration::weeks(5_000), NOON, NOON + Duration::weeks(50_000)])
        {
            let expiring = KeyRecord { expires_at: Some(expires_at), ..record(seed) };
            driver.insert(expiring.clone()).await;
            assert_eq!(find(driver, &expiring.id).await, Some(expiring.clone()));
            driver.revoke(&expiring.id, NOON).await;
            let revoked = KeyRecord { revoked_at: Some(NOON), ..expiring };
            assert_eq!(find(driver, &revoked.id).await, Some(revoked));
        }
    }

    /// A revocation is for exactly the key that it names.
    pub async fn revoking_one_key_leaves_the_others(driver: &dyn KeyStoreDriver) {
        driver.insert(record(1)).await;
        driver.insert(record(2)).await;
        driver.revoke(&record(1).id, NOON).await;
        assert_eq!(find(driver, &record(2).id).await, Some(record(2)));
    }
}
