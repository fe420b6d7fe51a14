//! Reconciliation during an outage: failures, pauses and the cursor of the next batch.

use dockline::ports::{Clock, ReconcileCursor, ReconcileScope};
use dockline::{ClaimPolicy, InstallationId, PauseCause, ReconcileBatch, ReconcileReport};
use dockline_github_sim::{Fault, FaultRule, Role};

use crate::fixture::{Fixture, tenant};

const BOUND: usize = 6;

/// Creates six bindings, the first verified the longest ago.
async fn bound() -> (Fixture, Vec<u64>) {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let mut installations = Vec::new();
    for number in 0..BOUND {
        let login = format!("org-{number}");
        fixture.github().create_organization(&login).unwrap();
        fixture.github().set_membership(&login, "olga", Role::Admin).unwrap();
        let tenant = tenant(&fixture.keys, &login, &login, |_| {});
        let installation = fixture.installed(&login, "olga");
        let state = fixture.fresh_state(&tenant).await;
        fixture.register(&tenant, installation, &state).await.expect(201);
        installations.push(installation);
        fixture.clock.advance(time::Duration::SECOND);
    }
    (fixture, installations)
}

/// Reconciles the next batch of bindings whose last look was before `before`.
async fn reconcile(
    fixture: &Fixture,
    before: time::OffsetDateTime,
    after: Option<ReconcileCursor>,
) -> ReconcileReport {
    let scope = ReconcileScope::ObservedBefore(before);
    let sweep = ReconcileBatch { scope, after, limit: 10, reserve_percent: 0 };
    fixture.dockline.reconcile(sweep).await.unwrap()
}

fn fails(fixture: &Fixture, installation: u64, fault: Fault) {
    let path = format!("/api/v3/app/installations/{installation}");
    fixture.github().set_fault(FaultRule::new(fault).for_path(&path));
}

fn failed(swept: &ReconcileReport) -> Vec<u64> {
    swept.failed.iter().map(|(installation, _)| installation.get()).collect()
}

#[tokio::test]
async fn a_rate_limit_pauses_without_failures() {
    let (fixture, installations) = bound().await;
    let before = fixture.clock.now();
    fails(&fixture, installations[2], Fault::SecondaryRateLimit { retry_after: Some(60), status: 429 });
    let swept = reconcile(&fixture, before, None).await;
    assert_eq!((swept.active, failed(&swept)), (2, vec![]));
    let pause = swept.paused.unwrap();
    assert!(matches!(pause.cause, PauseCause::RateLimited), "{pause:?}");
    let wait = pause.until - fixture.clock.now();
    assert!(wait > time::Duration::seconds(55) && wait <= time::Duration::seconds(61), "{wait}");
    // The next batch starts with the postponed binding.
    assert_eq!(swept.next.unwrap().installation, InstallationId::new(installations[1]).unwrap());
}

#[tokio::test]
async fn a_rejected_credential_pauses_at_once() {
    let (fixture, _) = bound().await;
    fixture.github().set_fault(FaultRule::new(Fault::Status { code: 401 }));
    let swept = reconcile(&fixture, fixture.clock.now(), None).await;
    assert_eq!((swept.asked(), failed(&swept)), (0, vec![]));
    assert!(matches!(swept.paused.unwrap().cause, PauseCause::Rejected(_)));
}

#[tokio::test]
async fn failures_of_single_installations_do_not_stop_the_others_c10() {
    let (fixture, installations) = bound().await;
    let before = fixture.clock.now();
    for (broken, code) in [(0, 403), (1, 502), (2, 502), (3, 502), (4, 403)] {
        fails(&fixture, installations[broken], Fault::Status { code });
    }
    fixture.github().clear_requests();
    let swept = reconcile(&fixture, before, None).await;
    // A 403 to one installation is a setting of its account.
    assert_eq!((swept.active, swept.denied, failed(&swept)), (1, 2, installations[1..4].to_vec()));
    assert!(swept.paused.is_none() && swept.complete);
    let asked = fixture.github().requests();
    let asked = asked.iter().filter(|request| request.path.ends_with("/app")).count();
    assert_eq!(asked, 1, "once per three failures");
    // Only the failed and the denied bindings are asked about again.
    fixture.github().clear_faults();
    let again = reconcile(&fixture, before, None).await;
    assert_eq!((again.active, again.asked(), failed(&again)), (5, 5, vec![]));
}

/// One sweep over 12 of 12 installations that are denied ended all bindings for ever.
#[tokio::test]
async fn a_sweep_over_wrong_404s_ends_no_binding_c01() {
    let (fixture, installations) = bound().await;
    for installation in &installations {
        fails(&fixture, *installation, Fault::Status { code: 404 });
    }
    fixture.clock.advance(time::Duration::SECOND);
    let swept = reconcile(&fixture, fixture.clock.now(), None).await;
    assert_eq!((swept.missing as usize, swept.uninstalled), (BOUND, 0));
    fixture.github().clear_faults();
    fixture.clock.advance(time::Duration::SECOND);
    let swept = reconcile(&fixture, fixture.clock.now(), None).await;
    assert_eq!((swept.active as usize, swept.missing), (BOUND, 0));
}
