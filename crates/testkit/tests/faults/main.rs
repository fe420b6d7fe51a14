//! The faults that `Faulty` injects.

mod outbox;

use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{
    BindingRepo, GithubGateway, InsertOutcome, KeyStore, ListOutcome, MintOutcome, MockGithubGateway,
    Observation, RateLeft, RateLimitDecision, RateLimitRequest, RateLimiter, ReconcileScope, StateStore,
};
use dockline::{
    BudgetClass, InstallationToken, NewToken, PortError, PortErrorKind, PortName, Tier, TokenScope,
};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};
use dockline_testkit::faults::{Fault, Faulty};
use dockline_testkit::fixtures::{
    NOON, actor, binding, installation, installer_record, key, organization, seconds, state,
};
use dockline_testkit::race::TASKS;
use dockline_testkit::runner::block_on;
use dockline_testkit::{binding_repo_suite, rate_limiter_suite, state_store_suite};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::Instant;

// Without rules, a wrapped port passes its suite.
binding_repo_suite!(async {
    let port: Arc<dyn BindingRepo> = Arc::new(MemoryBindingRepo::new());
    [Faulty::over(Arc::clone(&port)), Faulty::over(port)]
});
state_store_suite!(async {
    let port: Arc<dyn StateStore> = Arc::new(MemoryStateStore::new());
    [Faulty::over(Arc::clone(&port)), Faulty::over(port)]
});
rate_limiter_suite!(async {
    let port: Arc<dyn RateLimiter> = Arc::new(MemoryRateLimiter::new());
    [Faulty::over(Arc::clone(&port)), Faulty::over(port)]
});

fn bindings() -> (MemoryBindingRepo, Faulty<dyn BindingRepo>) {
    let memory = MemoryBindingRepo::new();
    (memory.clone(), Faulty::over(Arc::new(memory)))
}

#[test]
fn fails_before_has_no_effect() {
    let (memory, faulty) = bindings();
    let (faulty, new) = (faulty.with(Fault::FailsBefore.once()), binding());
    let error = block_on(faulty.insert(new.clone())).unwrap_err();
    assert_eq!((error.port(), error.kind()), (PortName::BindingRepo, PortErrorKind::Unavailable));
    assert_eq!(block_on(memory.find(&new.organization)).unwrap(), None);
    assert!(matches!(block_on(faulty.insert(new)).unwrap(), InsertOutcome::Inserted(_)));
}

#[test]
fn loses_answer_takes_effect() {
    let (memory, faulty) = bindings();
    let (faulty, new) = (faulty.with(Fault::LosesAnswer.once()), binding());
    block_on(faulty.insert(new.clone())).unwrap_err();
    let row = block_on(memory.find(&new.organization)).unwrap().unwrap();
    assert_eq!(block_on(faulty.insert(new)).unwrap(), InsertOutcome::Occupied(row));
}

#[test]
fn fault_applies_to_as_many_calls_of_its_method_as_given() {
    let (_, faulty) = bindings();
    let faulty = faulty.with(Fault::FailsAs(PortErrorKind::Corrupt).times(2).of("installer"));
    let installer = || block_on(faulty.installer(installation(1)));
    block_on(faulty.find(&binding().organization)).unwrap();
    for _ in 0..2 {
        assert_eq!(installer().unwrap_err().kind(), PortErrorKind::Corrupt);
    }
    installer().unwrap();
    faulty.set(Fault::FailsBefore.always());
    installer().unwrap_err();
    installer().unwrap_err();
    faulty.clear();
    installer().unwrap();
    assert_eq!((faulty.count("find"), faulty.count("installer")), (1, 6));
}

#[test]
fn recorded_calls_contain_no_secret() {
    let faulty = Faulty::<dyn StateStore>::over(Arc::new(MemoryStateStore::new()));
    let state = state();
    block_on(faulty.find_by_digest(&state.digest)).unwrap();
    let calls = faulty.calls();
    let [call] = calls.as_slice() else { unreachable!("{calls:?}") };
    assert_eq!((call.method, &call.arguments), ("find_by_digest", &format!("({:?},)", state.digest)));
}

#[test]
fn every_storage_port_fails_under_its_own_name() {
    let keys =
        Faulty::<dyn KeyStore>::over(Arc::new(MemoryKeyStore::new())).with(Fault::FailsBefore.always());
    let states =
        Faulty::<dyn StateStore>::over(Arc::new(MemoryStateStore::new())).with(Fault::FailsBefore.always());
    let limiter =
        Faulty::<dyn RateLimiter>::over(Arc::new(MemoryRateLimiter::new())).with(Fault::LosesAnswer.once());
    let (_, record) = key();
    let check = || {
        let (key, tier) = (record.id.clone(), Tier::standard());
        block_on(limiter.check(RateLimitRequest {
            key: (&key).into(),
            class: BudgetClass::Write,
            tier,
            permits: 1,
            now: NOON,
        }))
    };
    assert_eq!(block_on(keys.find(&record.id)).unwrap_err().port(), PortName::KeyStore);
    assert_eq!(block_on(states.put(state())).unwrap_err().port(), PortName::StateStore);
    assert_eq!(check().unwrap_err().port(), PortName::RateLimiter);
    let RateLimitDecision::Allowed(budget) = check().unwrap() else { unreachable!("two of sixty") };
    assert_eq!(budget.remaining, 58);
}

fn error<T: std::fmt::Debug>(result: Result<T, PortError>) -> (PortName, PortErrorKind) {
    match result {
        Err(error) => (error.port(), error.kind()),
        Ok(value) => unreachable!("must fail: {value:?}"),
    }
}

#[test]
fn every_method_of_a_repository_can_fail_without_effect() {
    let (memory, faulty) = bindings();
    let (faulty, new, id) = (faulty.with(Fault::FailsBefore.always()), binding(), installation(1));
    let down = (PortName::BindingRepo, PortErrorKind::Unavailable);
    block_on(async {
        assert_eq!(error(faulty.find(&new.organization).await), down);
        assert_eq!(error(faulty.insert(new.clone()).await), down);
        let end = Observation::Deleted { at: NOON };
        assert_eq!(error(faulty.observe(id, end).await), down);
        assert_eq!(error(faulty.installation(id).await), down);
        assert_eq!(error(faulty.record_installer(id, installer_record(77), NOON).await), down);
        assert_eq!(error(faulty.installer(id).await), down);
        assert_eq!(error(faulty.postpone(id, NOON).await), down);
        assert_eq!(error(faulty.due(ReconcileScope::Due(NOON), None, 1).await), down);
        assert_eq!(error(faulty.release(&organization("acme"), id, &actor(), NOON).await), down);
        assert_eq!(memory.installation(id).await.unwrap(), None);
        assert_eq!(memory.installer(id).await.unwrap(), None);
        assert_eq!(memory.find(&new.organization).await.unwrap(), None);
    });
    let called: Vec<_> = faulty.calls().into_iter().map(|call| call.method).collect();
    let all = [
        "find",
        "insert",
        "observe",
        "installation",
        "record_installer",
        "installer",
        "postpone",
        "due",
        "release",
    ];
    assert_eq!(called, all);
}

/// The first call of each method fails before the gateway is called, so the gateway is called once and its result returned.
#[test]
fn every_token_method_of_a_gateway_can_fail() {
    let left = RateLeft { limit: 5_000, remaining: 4_999, resets_at: seconds(3_600) };
    let mut gateway = MockGithubGateway::new();
    let expected = |id, scope: &TokenScope| id == installation(1) && *scope == TokenScope::default();
    gateway
        .expect_mint()
        .times(1)
        .withf(move |id, scope| expected(*id, scope))
        .returning(|_, _| Ok(MintOutcome::Suspended));
    let same = |token: &InstallationToken| token.expose() == "canary";
    gateway.expect_revoke().times(1).withf(same).returning(|_| Ok(()));
    gateway
        .expect_repositories()
        .times(1)
        .withf(move |token, page| same(token) && *page == 2)
        .returning(|_, _| Ok(ListOutcome::TokenRefused));
    gateway
        .expect_installer()
        .times(1)
        .withf(|id| *id == installation(1))
        .returning(|_| Ok(Some(installer_record(77))));
    gateway.expect_rate_left().times(1).return_const(left);
    let gateway: Arc<dyn GithubGateway> = Arc::new(gateway);
    let faulty = Faulty::over(gateway);
    let methods = ["mint", "revoke", "repositories", "installer"];
    for method in methods {
        faulty.set(Fault::FailsAs(PortErrorKind::Rejected).once().of(method));
    }
    let token = InstallationToken::new(NewToken {
        installation: installation(1),
        secret: "canary".into(),
        issued_at: NOON,
        expires_at: seconds(3_600),
        web_origin: "https://github.example".into(),
    });
    let (id, scope, rejected) =
        (installation(1), TokenScope::default(), (PortName::GithubGateway, PortErrorKind::Rejected));
    block_on(async {
        assert_eq!(error(faulty.mint(id, &scope).await), rejected);
        assert!(matches!(faulty.mint(id, &scope).await, Ok(MintOutcome::Suspended)));
        assert_eq!(error(faulty.revoke(&token).await), rejected);
        faulty.revoke(&token).await.unwrap();
        assert_eq!(error(faulty.repositories(&token, 2).await), rejected);
        assert_eq!(faulty.repositories(&token, 2).await.unwrap(), ListOutcome::TokenRefused);
        assert_eq!(error(faulty.installer(id).await), rejected);
        assert_eq!(faulty.installer(id).await.unwrap(), Some(installer_record(77)));
    });
    assert_eq!(faulty.rate_left(), Some(left));
    assert_eq!(methods.map(|method| faulty.count(method)), [2; 4]);
    assert_eq!(faulty.count("rate_left"), 1);
    let calls = format!("{:?}", faulty.calls());
    assert!(!calls.contains("canary"), "{calls}");
}

#[test]
fn slow_delays_the_call_and_its_result() {
    let (_, faulty) = bindings();
    let faulty = faulty.with(Fault::Slow(Duration::from_millis(20)).once());
    block_on(async {
        let start = Instant::now();
        faulty.insert(binding()).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(40));
    });
}

#[test]
fn calls_that_meet_at_a_barrier_run_together() {
    let barrier = Arc::new(Barrier::new(TASKS as usize));
    let (_, faulty) = bindings();
    let faulty = Arc::new(faulty.with(Fault::Meets(barrier).times(16).of("insert")));
    block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let faulty = Arc::clone(&faulty);
            tasks.spawn(async move { faulty.insert(binding()).await.unwrap() });
        }
        let outcomes = tasks.join_all().await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, InsertOutcome::Inserted(_))));
    });
}
