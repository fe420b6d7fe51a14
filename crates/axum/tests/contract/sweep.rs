//! Reconciliation during an outage: failures, pauses and the cursor of the next batch.

use dockline::ports::{Clock, ReconcileCursor};
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

/// Reconciles the next batch of bindings that were not verified since `before`.
async fn reconcile(
    fixture: &Fixture,
    before: time::OffsetDateTime,
    after: Option<ReconcileCursor>,
) -> ReconcileReport {
    let sweep = ReconcileBatch { before, after, limit: 10, reserve_percent: 0 };
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
async fn three_failures_in_a_row_pause_and_a_single_one_is_skipped() {
    let (fixture, installations) = bound().await;
    let before = fixture.clock.now();
    for broken in [0, 2, 3, 4] {
        fails(&fixture, installations[broken], Fault::Status { code: 502 });
    }
    let swept = reconcile(&fixture, before, None).await;
    let skipped = [0, 2, 3].map(|number| installations[number]);
    assert_eq!((swept.active, failed(&swept)), (1, skipped.to_vec()));
    assert!(matches!(swept.paused.as_ref().unwrap().cause, PauseCause::OutOfReach(_)));
    // The next batch starts with the third failure, which counts as the first now.
    let rest = reconcile(&fixture, before, swept.next).await;
    assert_eq!((rest.active, failed(&rest)), (1, vec![installations[4]]));
    assert!(rest.paused.is_none() && rest.next.is_none());
    // Only the failed bindings are still due.
    fixture.github().clear_faults();
    let again = reconcile(&fixture, before, None).await;
    assert_eq!((again.active, again.asked(), failed(&again)), (4, 4, vec![]));
}
