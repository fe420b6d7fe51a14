//! Who is told of as a user of a key: whoever showed its secret while it was in force, and nobody else.
#![cfg(feature = "mocks")]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::{Arc, Mutex};

use dockline::ports::{
    KeyUsage, ManualClock, MockBindingRepo, MockGithubGateway, MockKeyStore, MockStateStore, SeededEntropy,
};
use dockline::{
    ApiKey, BudgetClass, ClaimPolicy, Dockline, KeyEnvironment, KeyId, KeyRecord, OrganizationId, Ports,
    Scope, Tier,
};
use secrecy::ExposeSecret;
use time::{Duration, OffsetDateTime};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

#[derive(Debug, Default)]
struct Noted(Mutex<Vec<(KeyId, OffsetDateTime)>>);

impl KeyUsage for Noted {
    fn used(&self, key: &KeyId, at: OffsetDateTime) {
        self.0.lock().unwrap().push((key.clone(), at));
    }
}

/// How often a request with `key` counts as a use, where the store has a record that `change` changed.
fn uses(change: impl FnOnce(&mut KeyRecord), presented: impl FnOnce(&ApiKey) -> String) -> usize {
    let key = ApiKey::mint(KeyEnvironment::Live, &SeededEntropy::new(1)).unwrap();
    let mut record = KeyRecord {
        id: key.id().clone(),
        environment: KeyEnvironment::Live,
        secret_hash: key.secret_hash(),
        organization: OrganizationId::new("org_1").unwrap(),
        organization_name: "One".parse().unwrap(),
        scopes: vec![Scope::GithubAdmin],
        tier: Tier::standard(),
        return_hosts: vec![],
        revoked_at: None,
        expires_at: None,
    };
    change(&mut record);
    let mut keys = MockKeyStore::new();
    keys.expect_find().returning(move |_| Ok(Some(record.clone())));
    let noted = Arc::new(Noted::default());
    let dockline = Dockline::builder(Ports {
        states: Arc::new(MockStateStore::new()),
        bindings: Arc::new(MockBindingRepo::new()),
        github: Arc::new(MockGithubGateway::new()),
    })
    .with_api_keys(Arc::new(keys))
    .with_policy(ClaimPolicy::State)
    .with_clock(Arc::new(ManualClock::starting_at(NOW)))
    .with_key_usage(noted.clone())
    .build()
    .unwrap();
    let presented = presented(&key);
    drop(pollster::block_on(dockline.authenticate(&presented, Some(&Scope::GithubAdmin), BudgetClass::Read)));
    let noted = noted.0.lock().unwrap();
    assert!(noted.iter().all(|used| *used == (key.id().clone(), NOW)), "{noted:?}");
    noted.len()
}

fn whole(key: &ApiKey) -> String {
    key.expose().expose_secret().to_owned()
}

#[test]
fn whoever_shows_the_secret_of_a_key_in_force_uses_it_whatever_it_may() {
    assert_eq!(uses(|_| {}, whole), 1);
    assert_eq!(uses(|record| record.scopes.clear(), whole), 1, "a 403 is a use, too");
    assert_eq!(uses(|record| record.expires_at = Some(NOW + Duration::SECOND), whole), 1);
}

#[test]
fn a_stranger_who_names_a_key_leaves_no_trace_on_it() {
    let forged = |key: &ApiKey| {
        let other = ApiKey::mint(KeyEnvironment::Live, &SeededEntropy::new(2)).unwrap();
        let secret = whole(&other).splitn(4, '_').nth(3).unwrap().to_owned();
        format!("lp_live_{}_{secret}", key.id())
    };
    assert_eq!(uses(|_| {}, forged), 0);
    assert_eq!(uses(|_| {}, |key| format!("lp_live_{}_", key.id())), 0);
    assert_eq!(uses(|record| record.revoked_at = Some(NOW), whole), 0);
    assert_eq!(uses(|record| record.expires_at = Some(NOW), whole), 0);
    assert_eq!(uses(|record| record.environment = KeyEnvironment::Test, whole), 0);
}
