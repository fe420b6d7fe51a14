//! Keys come back as stored, by their exact id.

use std::borrow::Cow;

use dockline::{KeyEnvironment, KeyId, KeyRecord, Scope, Tier};
use time::Duration;

use super::KeyStoreDriver;
use crate::dropped::{POLLS, dropped_after, soon};
use crate::fixtures::{CANARY, NOON, assert_hidden, in_the_east, in_the_west, key_of};
use crate::runner::cases;

fn record(seed: u64) -> KeyRecord {
    key_of("org_acme", seed).1
}

async fn find(driver: &dyn KeyStoreDriver, id: &KeyId) -> Option<KeyRecord> {
    driver.keys().find(id).await.unwrap()
}

cases!(
    use __key_store_cases as list;

    /// Each key is found under its own id, with every field as stored.
    pub async fn stored_keys_are_found_by_id(driver: &dyn KeyStoreDriver) {
        driver.insert(record(1)).await;
        driver.insert(record(2)).await;
        assert_eq!(find(driver, &record(1).id).await, Some(record(1)));
        assert_eq!(find(driver, &record(2).id).await, Some(record(2)));
    }

    /// Every field keeps every value: environments, unknown scopes, empty lists, a custom tier, any name.
    pub async fn every_kind_of_record_round_trips(driver: &dyn KeyStoreDriver) {
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

    /// An id that was never stored is `None`, in an empty store and beside other keys.
    pub async fn unknown_id_is_none(driver: &dyn KeyStoreDriver) {
        assert_eq!(find(driver, &record(1).id).await, None);
        driver.insert(record(1)).await;
        assert_eq!(find(driver, &record(2).id).await, None);
    }

    /// Ids match as a whole: neither a prefix nor a longer id finds the key.
    pub async fn id_must_match_exactly(driver: &dyn KeyStoreDriver) {
        driver.insert(record(1)).await;
        let id = record(1).id;
        let longer = format!("{id}0");
        let shorter = id.as_str().strip_suffix(|_: char| true).unwrap();
        for other in [longer.as_str(), shorter] {
            assert_eq!(find(driver, &KeyId::parse(other).unwrap()).await, None);
        }
    }

    /// A revoked key is found at once with its `revoked_at`: the core rejects it, and no cache delays that (I13).
    pub async fn revocation_is_visible_at_once(driver: &dyn KeyStoreDriver) {
        driver.insert(record(1)).await;
        assert_eq!(find(driver, &record(1).id).await, Some(record(1)));
        driver.revoke(&record(1).id, NOON).await;
        let revoked = KeyRecord { revoked_at: Some(NOON), ..record(1) };
        assert_eq!(find(driver, &record(1).id).await, Some(revoked));
    }

    /// An expired key is found with its `expires_at`, however old, and a revocation does not change the expiry.
    pub async fn expired_key_is_found_with_its_expiry(driver: &dyn KeyStoreDriver) {
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

    /// A revocation affects only the key that it names.
    pub async fn revocation_leaves_other_keys(driver: &dyn KeyStoreDriver) {
        driver.insert(record(1)).await;
        driver.insert(record(2)).await;
        driver.revoke(&record(1).id, NOON).await;
        assert_eq!(find(driver, &record(2).id).await, Some(record(2)));
    }

    /// The times of a key come back as the same instants, whatever their offsets (I27).
    pub async fn offsets_of_times_change_nothing(driver: &dyn KeyStoreDriver) {
        let expires_at = NOON + Duration::DAY;
        driver.insert(KeyRecord { expires_at: Some(in_the_west(expires_at)), ..record(1) }).await;
        driver.revoke(&record(1).id, in_the_east(NOON)).await;
        let expected = KeyRecord { expires_at: Some(expires_at), revoked_at: Some(NOON), ..record(1) };
        assert_eq!(find(driver, &record(1).id).await, Some(expected));
    }

    /// The name and the organization of a key keep the case of their letters, and so do its scopes and hosts.
    pub async fn case_of_letters_is_kept(driver: &dyn KeyStoreDriver) {
        for (seed, name) in [(1, "org_acme"), (2, "ORG_ACME")] {
            let record = KeyRecord {
                organization_name: name.parse().unwrap(),
                scopes: vec![Scope::Other("Billing:Read".into()), Scope::Other("billing:read".into())],
                return_hosts: vec!["App.Acme.example".into()],
                ..key_of(name, seed).1
            };
            driver.insert(record.clone()).await;
            assert_eq!(find(driver, &record.id).await, Some(record));
        }
    }

    /// `Debug` of the store shows nothing of a key (I14).
    pub async fn debug_shows_nothing_stored(driver: &dyn KeyStoreDriver) {
        let record = key_of(CANARY, 1).1;
        driver.insert(record.clone()).await;
        assert!(find(driver, &record.id).await.is_some());
        let hash = format!("{:?}", record.secret_hash);
        for hidden in [CANARY, record.id.as_str(), hash.as_str()] {
            assert_hidden(driver.keys(), hidden);
        }
    }

    /// Dropped calls keep nothing: any number of them leaves the store usable.
    pub async fn dropped_calls_keep_nothing(driver: &dyn KeyStoreDriver) {
        driver.insert(record(1)).await;
        for _ in 0..8 {
            for polls in POLLS {
                dropped_after(polls, driver.keys().find(&record(1).id)).await;
            }
        }
        assert_eq!(soon(find(driver, &record(1).id)).await, Some(record(1)));
    }
);
