//! `authenticate` with the capability `Admission` ends like it does without, in one call.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dockline::ports::{
    Admission, AdmissionAnswer, AdmissionRequest, BindingRepo, InsertOutcome, KeyAdmin, RateLimiter,
    ReadBinding,
};
use dockline::{
    ApiKey, AuthenticateError, Authenticated, Budget, BudgetClass, ErrorCode, ExposeSecret, KeyEnvironment,
    KeyRecord, PortError, PortErrorKind, RegistrationRequest, Scope, Tier, Uninstall,
};
use dockline_memory::{MemoryAdmission, MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter};
use dockline_testkit::faults::{Fault, Faulty};
use dockline_testkit::fixtures::{NOON, binding_of, digest, key_of, organization};
use time::Duration;

use crate::support::{World, acme};

type Change = fn(&mut KeyRecord);

/// One key of acme, authenticated in one call or in steps.
struct Path {
    world: World,
    store: MemoryKeyStore,
    bindings: MemoryBindingRepo,
    admission: Arc<Faulty<dyn Admission>>,
    limiter: Arc<Faulty<dyn RateLimiter>>,
    key: ApiKey,
    record: KeyRecord,
}

impl Path {
    fn new(at_once: bool, change: Change) -> Self {
        let (key, mut record) = key_of("org_acme", 1);
        change(&mut record);
        let (store, limiter, bindings) =
            (MemoryKeyStore::new(), MemoryRateLimiter::new(), MemoryBindingRepo::new());
        store.put(record.clone());
        let admission: Arc<dyn Admission> =
            Arc::new(MemoryAdmission::new(store.clone(), limiter.clone(), bindings.clone()));
        let admission = Arc::new(Faulty::over(admission));
        let limiter: Arc<dyn RateLimiter> = Arc::new(limiter);
        let limiter = Arc::new(Faulty::over(limiter));
        let world = World::with(|builder| {
            let builder = builder.with_api_keys(Arc::new(store.clone())).with_rate_limiter(limiter.clone());
            if at_once { builder.with_admission(admission.clone()) } else { builder }
        });
        Self { world, store, bindings, admission, limiter, key, record }
    }

    fn text(&self) -> String {
        self.key.expose().expose_secret().to_owned()
    }

    async fn read(&self) -> Result<Authenticated, AuthenticateError> {
        self.present(&self.text(), BudgetClass::Read).await
    }

    async fn present(&self, text: &str, class: BudgetClass) -> Result<Authenticated, AuthenticateError> {
        self.world.dockline.authenticate(text, Some(&Scope::GithubAdmin), class).await
    }

    /// Returns the calls that charge.
    fn charges(&self) -> usize {
        let calls = self.admission.calls();
        calls.iter().filter(|call| call.arguments.contains("charge: true")).count()
    }
}

/// The parts of an outcome that a caller sees.
fn shown(
    outcome: Result<Authenticated, AuthenticateError>,
) -> (Option<ErrorCode>, Option<Budget>, Option<std::time::Duration>) {
    match outcome {
        Ok(authenticated) => (None, authenticated.budget, None),
        Err(error) => {
            let code = error.code();
            match error {
                AuthenticateError::ForbiddenScope { budget, .. } => (Some(code), budget, None),
                AuthenticateError::RateLimited { budget, retry_after, .. } => {
                    (Some(code), Some(budget), Some(retry_after))
                }
                _ => (Some(code), None, None),
            }
        }
    }
}

#[tokio::test]
async fn every_row_of_the_access_table_ends_alike_at_once_and_in_steps_i_11_i_12() {
    let rows: [Change; 10] = [
        |_| {},
        |record| record.revoked_at = Some(NOON),
        |record| record.revoked_at = Some(NOON + Duration::SECOND),
        |record| record.expires_at = Some(NOON),
        |record| record.expires_at = Some(NOON + Duration::SECOND),
        |record| record.environment = KeyEnvironment::Test,
        |record| record.secret_hash = key_of("org_acme", 2).0.secret_hash(),
        |record| record.scopes = vec![],
        |record| record.scopes = vec![Scope::All],
        |record| record.tier = Tier { writes_per_minute: 2, reads_per_minute: 1, ..Tier::standard() },
    ];
    for (number, change) in rows.into_iter().enumerate() {
        let (at_once, in_steps) = (Path::new(true, change), Path::new(false, change));
        let unknown = key_of("org_acme", 3).0.expose().expose_secret().to_owned();
        for text in [at_once.text(), unknown, "lp_live_x".to_owned()] {
            for class in [BudgetClass::Read, BudgetClass::Write] {
                for round in 0..4 {
                    let outcome = shown(at_once.present(&text, class).await);
                    let expected = shown(in_steps.present(&text, class).await);
                    assert_eq!(outcome, expected, "row {number}, {class:?}, round {round}");
                }
            }
        }
        assert_eq!(at_once.limiter.count("check"), 0);
    }
}

#[tokio::test]
async fn a_valid_key_has_the_same_facts_at_once_and_in_steps_and_at_once_the_binding() {
    let (at_once, in_steps) = (Path::new(true, |_| {}), Path::new(false, |_| {}));
    assert!(at_once.world.dockline.has_api_keys());
    let bound = match at_once.bindings.insert(binding_of("org_acme", 7, digest("s"))).await {
        Ok(InsertOutcome::Inserted(bound)) => bound,
        other => panic!("{other:?}"),
    };
    let outcome = at_once.read().await.unwrap();
    let expected = in_steps.read().await.unwrap();
    assert_eq!((outcome.caller, outcome.key), (expected.caller, expected.key));
    assert_eq!(expected.binding, None);
    let organization = organization("org_acme");
    assert_eq!(outcome.binding, Some(ReadBinding { organization, binding: Some(bound) }));
}

#[tokio::test]
async fn use_cases_take_the_binding_that_was_read_and_no_other_organizations() {
    let world = World::new();
    let bound = world.bound().await;
    let state = world.state().await;
    let finds = || world.bindings.count("find");
    let read = || ReadBinding { organization: acme().organization, binding: Some(bound.clone()) };
    let request = RegistrationRequest { installation: bound.installation, state: state.clone() };
    let before = finds();
    let dockline = &world.dockline;
    let replayed = dockline.register_with(&acme(), Some(read()), &request).await.unwrap();
    assert_eq!(replayed.binding(), &bound);
    assert_eq!(dockline.binding_with(&acme(), Some(read())).await.unwrap(), Some(bound.clone()));
    assert_eq!(finds(), before);
    let rivals = ReadBinding { organization: organization("org_rival"), binding: None };
    let replayed = dockline.register_with(&acme(), Some(rivals.clone()), &request).await.unwrap();
    assert_eq!(replayed.binding(), &bound);
    assert_eq!(dockline.binding_with(&acme(), Some(rivals)).await.unwrap(), Some(bound.clone()));
    assert_eq!(finds(), before + 2);
    let released = dockline.detach_with(&acme(), Some(read()), Uninstall::No).await.unwrap();
    assert_eq!(released.installation, bound.installation);
    assert_eq!(finds(), before + 2);
    // A binding that has ended meanwhile is not released twice.
    assert!(dockline.detach_with(&acme(), Some(read()), Uninstall::No).await.is_err());
}

/// Within a second, the budget of a refused key is not looked at again.
#[tokio::test]
async fn a_refusal_is_remembered_for_a_second_at_most_c_54() {
    for at_once in [true, false] {
        let one: Change = |record| record.tier = Tier { reads_per_minute: 1, ..Tier::standard() };
        let path = Path::new(at_once, one);
        let looks = || if at_once { path.charges() } else { path.limiter.count("check") };
        path.read().await.unwrap();
        let wait = |outcome| shown(outcome).2.unwrap();
        assert_eq!(wait(path.read().await), std::time::Duration::from_secs(60));
        assert_eq!(looks(), 2);
        path.world.clock.advance(Duration::milliseconds(999));
        assert_eq!(wait(path.read().await), std::time::Duration::from_millis(59_001));
        assert_eq!(looks(), 2);
        path.world.clock.advance(Duration::milliseconds(1));
        assert_eq!(wait(path.read().await), std::time::Duration::from_secs(59));
        assert_eq!(looks(), 3);
        // Writes have a budget of their own.
        path.present(&path.text(), BudgetClass::Write).await.unwrap();
    }
}

#[tokio::test]
async fn a_remembered_refusal_does_not_outlive_tier_scope_secret_or_revocation_c_54_i_13() {
    for at_once in [true, false] {
        let path =
            Path::new(at_once, |record| record.tier = Tier { reads_per_minute: 1, ..Tier::standard() });
        path.read().await.unwrap();
        assert_eq!(path.read().await.unwrap_err().code(), ErrorCode::RateLimited);
        let secret =
            key_of("org_acme", 9).0.expose().expose_secret().splitn(4, '_').nth(3).unwrap().to_owned();
        let wrong = format!("lp_live_{}_{secret}", path.key.id());
        let refused = path.present(&wrong, BudgetClass::Read).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Unauthenticated);
        path.store.put(KeyRecord { scopes: vec![], ..path.record.clone() });
        let refused = shown(path.read().await);
        assert_eq!((refused.0, refused.1.unwrap().remaining), (Some(ErrorCode::ForbiddenScope), 0));
        // 100 ms at the new rate are ten permits.
        path.world.clock.advance(Duration::milliseconds(100));
        path.store.put(KeyRecord { tier: Tier::partner(), ..path.record.clone() });
        assert_eq!(path.read().await.unwrap().budget.unwrap().remaining, 9);
        path.store.put(path.record.clone());
        assert_eq!(path.read().await.unwrap().budget.unwrap().remaining, 0);
        assert_eq!(path.read().await.unwrap_err().code(), ErrorCode::RateLimited);
        assert!(path.store.revoke(path.key.id(), NOON).await.unwrap());
        assert_eq!(path.read().await.unwrap_err().code(), ErrorCode::Unauthenticated);
    }
}

/// The node knows that the key has no budget, so a flood of it needs no store.
#[tokio::test]
async fn while_the_store_is_overloaded_a_remembered_refusal_is_repeated_and_other_requests_fail_c_54() {
    let path = Path::new(true, |record| record.tier = Tier { reads_per_minute: 1, ..Tier::standard() });
    path.read().await.unwrap();
    let limited = shown(path.read().await);
    assert_eq!(limited.0, Some(ErrorCode::RateLimited));
    path.admission.set(Fault::FailsAs(PortErrorKind::Overloaded).always());
    assert_eq!(shown(path.read().await), limited);
    let write = path.present(&path.text(), BudgetClass::Write).await.unwrap_err();
    assert_eq!((write.code(), write.key()), (ErrorCode::Unavailable, None));
    path.world.clock.advance(Duration::SECOND);
    assert_eq!(path.read().await.unwrap_err().code(), ErrorCode::Unavailable, "it is forgotten");
    // Any other failure is one.
    path.admission.clear();
    assert_eq!(path.read().await.unwrap_err().code(), ErrorCode::RateLimited);
    path.admission.set(Fault::FailsBefore.always());
    assert_eq!(path.read().await.unwrap_err().code(), ErrorCode::Unavailable);
}

#[tokio::test]
async fn if_admission_fails_the_request_is_not_allowed() {
    let path = Path::new(true, |_| {});
    path.admission.set(Fault::FailsBefore.once());
    path.admission.set(Fault::FailsAs(PortErrorKind::Corrupt).once());
    for code in [ErrorCode::Unavailable, ErrorCode::Internal] {
        let failed = path.read().await.unwrap_err();
        assert_eq!((failed.code(), failed.key()), (code, None));
    }
    path.read().await.unwrap();
}

/// Makes a right answer wrong, given the answer of the call before.
type Falsify = fn(&mut AdmissionAnswer, &AdmissionAnswer);

/// Wrong answers, one per call.
#[derive(Debug)]
struct Wrong {
    right: MemoryAdmission,
    answers: Mutex<Vec<Falsify>>,
    before: Mutex<Option<AdmissionAnswer>>,
}

#[async_trait]
impl Admission for Wrong {
    async fn admit(&self, request: AdmissionRequest) -> Result<AdmissionAnswer, PortError> {
        let mut answer = self.right.admit(request).await?;
        let before = self.before.lock().unwrap().replace(answer.clone());
        if let Some(before) = before
            && let Some(spoil) = self.answers.lock().unwrap().pop()
        {
            spoil(&mut answer, &before);
        }
        Ok(answer)
    }
}

/// I39's negative control: a batch whose answers are shifted by one, whole or in one part.
#[tokio::test]
async fn an_answer_about_another_key_secret_or_organization_is_never_used_i_39() {
    let (mine, record) = key_of("org_acme", 1);
    let (other, others) = key_of("org_rival", 2);
    let store = MemoryKeyStore::new();
    for record in [record, others] {
        store.put(record);
    }
    let shifts: Vec<fn(&mut AdmissionAnswer, &AdmissionAnswer)> = vec![
        |answer, before| *answer = before.clone(),
        |answer, before| answer.record = before.record.clone(),
        |answer, before| answer.secret_hash = before.secret_hash,
        |answer, before| answer.key = before.key.clone(),
        |answer, before| answer.binding = before.binding.clone(),
    ];
    let count = shifts.len();
    let wrong = Arc::new(Wrong {
        right: MemoryAdmission::new(store, MemoryRateLimiter::new(), MemoryBindingRepo::new()),
        answers: Mutex::new(shifts),
        before: Mutex::default(),
    });
    let world = World::with(|builder| builder.with_admission(wrong.clone()));
    let present = async |key: &ApiKey| {
        world.dockline.authenticate(key.expose().expose_secret(), None, BudgetClass::Read).await
    };
    present(&mine).await.unwrap();
    for number in 0..count {
        let key = if number % 2 == 0 { &other } else { &mine };
        let refused = present(key).await.unwrap_err();
        assert!(matches!(refused, AuthenticateError::Mismatched), "{number}: {refused:?}");
        assert_eq!((refused.code(), refused.key()), (ErrorCode::Internal, None));
    }
    assert_eq!(present(&mine).await.unwrap().caller.organization, organization("org_acme"));
}
