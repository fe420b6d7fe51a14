//! `authenticate` and `charge`: key, scope and budget, in this order.

use std::sync::{Arc, Mutex};

use dockline::ports::{KeyStore, KeyUsage, RateLimiter};
use dockline::{
    ApiKey, AuthenticateError, Authenticated, BudgetClass, BudgetKey, ChargeError, Dockline, ErrorCode,
    ExposeSecret, KeyEnvironment, KeyId, KeyRecord, PortErrorKind, PortName, Scope, Tier,
};
use dockline_memory::{MemoryKeyStore, MemoryRateLimiter};
use dockline_testkit::faults::{Fault, Faulty};
use dockline_testkit::fixtures::{NOON, key_of, organization, organization_name};
use time::{Duration, OffsetDateTime};

use crate::support::{World, acme};

#[derive(Debug, Default)]
struct RecordedUsage(Mutex<Vec<(KeyId, OffsetDateTime)>>);

impl KeyUsage for RecordedUsage {
    fn used(&self, key: &KeyId, at: OffsetDateTime) {
        self.0.lock().unwrap().push((key.clone(), at));
    }
}

/// One key, whose record a test may change, with its store and the rate limiter behind faults.
struct Keys {
    world: World,
    keys: Arc<Faulty<dyn KeyStore>>,
    limiter: Arc<Faulty<dyn RateLimiter>>,
    usage: Arc<RecordedUsage>,
    key: ApiKey,
}

impl Keys {
    fn new(change: impl FnOnce(&mut KeyRecord)) -> Self {
        let (key, mut record) = key_of("org_acme", 1);
        change(&mut record);
        let store = MemoryKeyStore::new();
        store.put(record);
        let port: Arc<dyn KeyStore> = Arc::new(store);
        let keys = Arc::new(Faulty::over(port));
        let port: Arc<dyn RateLimiter> = Arc::new(MemoryRateLimiter::new());
        let limiter = Arc::new(Faulty::over(port));
        let usage = Arc::new(RecordedUsage::default());
        let world = World::with(|builder| {
            builder
                .with_api_keys(keys.clone())
                .with_rate_limiter(limiter.clone())
                .with_key_usage(usage.clone())
        });
        Self { world, keys, limiter, usage, key }
    }

    fn text(&self) -> String {
        self.key.expose().expose_secret().to_owned()
    }

    async fn authenticate(&self, text: &str, class: BudgetClass) -> Result<Authenticated, AuthenticateError> {
        self.world.dockline.authenticate(text, Some(&Scope::GithubAdmin), class).await
    }

    async fn read(&self) -> Result<Authenticated, AuthenticateError> {
        self.authenticate(&self.text(), BudgetClass::Read).await
    }

    fn uses(&self) -> usize {
        let uses = self.usage.0.lock().unwrap();
        assert!(uses.iter().all(|(id, at)| id == self.key.id() && *at == NOON), "{uses:?}");
        uses.len()
    }

    async fn left(&self, class: BudgetClass) -> u32 {
        let any_key = self.world.dockline.authenticate(&self.text(), None, class).await.unwrap();
        any_key.budget.unwrap().remaining
    }
}

#[tokio::test]
async fn a_valid_key_gives_its_caller_its_facts_and_the_charged_budget() {
    let keys = Keys::new(|record| record.tier = Tier::pilot());
    assert!(keys.world.dockline.has_api_keys());
    let authenticated = keys.read().await.unwrap();
    let caller = authenticated.caller;
    let id = keys.key.id();
    assert_eq!(caller.organization, organization("org_acme"));
    assert_eq!(caller.organization_name, organization_name());
    assert_eq!(caller.actor.as_str(), format!("key:{id}"));
    assert_eq!(caller.return_hosts, ["app.acme.example"]);
    assert_eq!(caller.budget, Some((BudgetKey::from(id), Tier::pilot())));
    assert_eq!((&authenticated.key.id, authenticated.key.environment), (id, KeyEnvironment::Live));
    assert_eq!((authenticated.key.scopes, authenticated.key.tier), (vec![Scope::GithubAdmin], Tier::pilot()));
    let budget = authenticated.budget.unwrap();
    assert_eq!((budget.class, budget.limit, budget.remaining), (BudgetClass::Read, 1_200, 1_199));
    assert_eq!(keys.uses(), 1);
}

#[tokio::test]
async fn an_invalid_key_charges_nothing_and_records_no_use_i_12() {
    let wrong_secret = |keys: &Keys| {
        let (other, _) = key_of("org_acme", 2);
        let secret = other.expose().expose_secret().splitn(4, '_').nth(3).unwrap().to_owned();
        format!("lp_live_{}_{secret}", keys.key.id())
    };
    type Change = fn(&mut KeyRecord);
    let unchanged: Change = |_| {};
    let changes: [Change; 3] = [
        |record| record.revoked_at = Some(NOON),
        |record| record.expires_at = Some(NOON),
        |record| record.environment = KeyEnvironment::Test,
    ];
    let mut attempts: Vec<(Keys, String)> = Vec::new();
    for change in changes {
        let keys = Keys::new(change);
        let text = keys.text();
        attempts.push((keys, text));
    }
    let keys = Keys::new(unchanged);
    let text = wrong_secret(&keys);
    attempts.push((keys, text));
    let (unknown, _) = key_of("org_acme", 3);
    attempts.push((Keys::new(unchanged), unknown.expose().expose_secret().to_owned()));
    for (keys, text) in attempts {
        let refused = keys.authenticate(&text, BudgetClass::Read).await.unwrap_err();
        assert!(matches!(refused, AuthenticateError::Unauthenticated), "{refused:?}");
        assert_eq!((refused.code(), refused.key()), (ErrorCode::Unauthenticated, None));
        assert_eq!((keys.keys.count("find"), keys.limiter.count("check"), keys.uses()), (1, 0, 0));
    }
    // A malformed key is not looked up.
    let keys = Keys::new(unchanged);
    for malformed in ["", "lp_live_x", &format!("{}x", keys.text())] {
        let refused = keys.authenticate(malformed, BudgetClass::Read).await;
        assert!(matches!(refused, Err(AuthenticateError::Unauthenticated)), "{refused:?}");
    }
    assert_eq!(keys.keys.count("find"), 0);
}

#[tokio::test]
async fn a_key_without_the_scope_is_refused_after_the_key_and_charges_nothing() {
    for scopes in [vec![], vec![Scope::Other("billing:read".into())]] {
        let keys = Keys::new(|record| record.scopes = scopes);
        let refused = keys.read().await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ForbiddenScope);
        assert_eq!(refused.key(), Some((keys.key.id(), &organization("org_acme"))));
        match refused {
            AuthenticateError::ForbiddenScope { budget: Some(budget), .. } => {
                assert_eq!((budget.class, budget.remaining), (BudgetClass::Read, 120));
            }
            other => panic!("{other:?}"),
        }
        // Without a needed scope any valid key is allowed, and charged.
        assert_eq!(keys.left(BudgetClass::Read).await, 119);
        assert_eq!(keys.uses(), 2, "a 403 is a use of the key, too");
    }
    let keys = Keys::new(|record| record.scopes = vec![Scope::Other("x".into()), Scope::All]);
    keys.read().await.unwrap();
}

#[tokio::test]
async fn reads_and_writes_are_charged_until_their_budget_is_used_up() {
    let keys = Keys::new(|_| {});
    for left in (0..60).rev() {
        let allowed = keys.authenticate(&keys.text(), BudgetClass::Write).await.unwrap();
        assert_eq!(allowed.budget.unwrap().remaining, left);
    }
    let refused = keys.authenticate(&keys.text(), BudgetClass::Write).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::RateLimited);
    assert_eq!(refused.key(), Some((keys.key.id(), &organization("org_acme"))));
    match refused {
        AuthenticateError::RateLimited { budget, retry_after, .. } => {
            assert_eq!((budget.remaining, retry_after), (0, std::time::Duration::from_secs(1)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(keys.left(BudgetClass::Read).await, 119);
    assert_eq!(keys.uses(), 62, "a 429 is a use of the key, too");
    // The level is shown to a key without the scope, also if it is used up.
    let keys = Keys::new(|record| {
        record.scopes = vec![];
        record.tier = Tier { writes_per_minute: 0, ..Tier::standard() };
    });
    match keys.authenticate(&keys.text(), BudgetClass::Write).await {
        Err(AuthenticateError::ForbiddenScope { budget: Some(budget), .. }) => assert_eq!(budget.limit, 0),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn if_the_store_or_the_rate_limiter_fails_the_request_is_not_allowed() {
    let keys = Keys::new(|_| {});
    keys.keys.set(Fault::FailsBefore.once());
    keys.limiter.set(Fault::FailsAs(PortErrorKind::Corrupt).once());
    for (port, code) in
        [(PortName::KeyStore, ErrorCode::Unavailable), (PortName::RateLimiter, ErrorCode::Internal)]
    {
        match keys.read().await {
            Err(AuthenticateError::Port(error)) => assert_eq!(error.port(), port),
            other => panic!("{other:?}"),
        }
        keys.keys.set(Fault::FailsBefore.once().of("unused"));
        assert_eq!(code.is_retryable(), code == ErrorCode::Unavailable);
    }
    keys.limiter.set(Fault::FailsBefore.once());
    let failed = keys.read().await.unwrap_err();
    assert_eq!((failed.code(), failed.key()), (ErrorCode::Unavailable, None));
    keys.read().await.unwrap();
}

#[tokio::test]
async fn without_a_rate_limiter_requests_are_not_limited_and_without_keys_none_is_valid() {
    let (key, record) = key_of("org_acme", 1);
    let store = MemoryKeyStore::new();
    store.put(record);
    let world = World::with(|builder| builder.with_api_keys(Arc::new(store)));
    let text = key.expose();
    let authenticate = async |dockline: &Dockline, scope| {
        dockline.authenticate(text.expose_secret(), Some(scope), BudgetClass::Read).await
    };
    assert_eq!(authenticate(&world.dockline, &Scope::GithubAdmin).await.unwrap().budget, None);
    let forbidden = authenticate(&world.dockline, &Scope::All).await;
    assert!(matches!(forbidden, Err(AuthenticateError::ForbiddenScope { budget: None, .. })));
    let world = World::new();
    assert!(!world.dockline.has_api_keys());
    let refused = authenticate(&world.dockline, &Scope::GithubAdmin).await;
    assert!(matches!(refused, Err(AuthenticateError::Unauthenticated)), "{refused:?}");
}

#[tokio::test]
async fn a_host_charges_its_own_callers_to_the_budget_of_their_organization() {
    let keys = Keys::new(|_| {});
    let dockline = &keys.world.dockline;
    let colleague = dockline::Caller { actor: "user:bob".parse().unwrap(), ..acme() };
    for left in [59, 58] {
        let caller = if left == 59 { acme() } else { colleague.clone() };
        let budget = dockline.charge(&caller, BudgetClass::Write).await.unwrap().unwrap();
        assert_eq!((budget.class, budget.remaining), (BudgetClass::Write, left));
    }
    // A key of the same organization has a budget of its own.
    assert_eq!(keys.left(BudgetClass::Write).await, 59);
    let small = Tier { reads_per_minute: 1, ..Tier::standard() };
    let limited = acme().with_budget(Some((BudgetKey::from(&organization("org_small")), small)));
    dockline.charge(&limited, BudgetClass::Read).await.unwrap();
    let refused = dockline.charge(&limited, BudgetClass::Read).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::RateLimited);
    match refused {
        ChargeError::RateLimited { budget, retry_after } => {
            assert_eq!((budget.limit, budget.remaining), (1, 0));
            assert_eq!(retry_after, Duration::MINUTE);
        }
        other => panic!("{other:?}"),
    }
    let unlimited = acme().with_budget(None);
    assert_eq!(dockline.charge(&unlimited, BudgetClass::Read).await.unwrap(), None);
    keys.limiter.set(Fault::FailsBefore.once());
    let failed = dockline.charge(&acme(), BudgetClass::Read).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::Unavailable);
    assert_eq!(World::new().dockline.charge(&acme(), BudgetClass::Read).await.unwrap(), None);
}
