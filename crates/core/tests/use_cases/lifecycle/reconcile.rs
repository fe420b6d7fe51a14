//! `reconcile`: batches of looks, their order and their pauses.

use dockline::ports::{BindingRepo, Clock, ReconcileCursor, ReconcileScope};
use dockline::{
    InstallationId, InstalledOn, Pause, PauseCause, PortErrorKind, ReconcileBatch, ReconcileReport, Status,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::NOON;
use time::{Duration, OffsetDateTime};

use crate::support::{World, account_of, caller};

/// Bindings 1 to `count`, looked at a second after one another.
async fn bound(count: u64) -> (World, Vec<InstallationId>) {
    let world = World::new();
    let mut ids = Vec::new();
    for number in 1..=count {
        let id = world.github.install(number, "acme-coffee");
        world.bind(&caller(&format!("org_{number}")), id).await;
        world.clock.advance(Duration::SECOND);
        ids.push(id);
    }
    world.clock.advance(Duration::HOUR);
    (world, ids)
}

/// Reconciles what is due now.
async fn reconcile(world: &World, after: Option<ReconcileCursor>, limit: u32) -> ReconcileReport {
    reconcile_before(world, world.clock.now(), after, limit).await
}

async fn reconcile_before(
    world: &World,
    before: OffsetDateTime,
    after: Option<ReconcileCursor>,
    limit: u32,
) -> ReconcileReport {
    let scope = ReconcileScope::Due(before);
    world.dockline.reconcile(ReconcileBatch { scope, after, limit, reserve_percent: 10 }).await.unwrap()
}

fn failed(report: &ReconcileReport) -> Vec<InstallationId> {
    report.failed.iter().map(|(id, _)| *id).collect()
}

/// The position of the binding with this number.
fn at(ids: &[InstallationId], number: usize) -> ReconcileCursor {
    let next_look_at = NOON + Duration::HOUR + Duration::seconds(i64::try_from(number).unwrap() - 1);
    ReconcileCursor { next_look_at, installation: ids[number - 1] }
}

fn paused(report: &ReconcileReport) -> &Pause {
    report.paused.as_ref().unwrap()
}

/// Lets every lookup of these installations fail.
fn fail(world: &World, ids: &[InstallationId], kind: PortErrorKind) {
    for id in ids {
        world.github.fail(*id, kind);
    }
}

#[tokio::test]
async fn each_binding_is_counted_by_what_github_reports() {
    let (world, ids) = bound(6).await;
    fail(&world, &ids[..1], PortErrorKind::Unavailable);
    world.github.suspend(ids[1], true);
    world.github.remove(ids[2]);
    let moved = InstalledOn::Account(account_of(99, "acme-tea"));
    world.github.change(ids[3], |installation| installation.installed_on = moved);
    let report = reconcile(&world, None, 9).await;
    assert_eq!((report.active, report.suspended, report.missing, report.uninstalled), (2, 1, 1, 0));
    assert_eq!((report.account_changed, failed(&report)), (1, vec![ids[0]]));
    assert_eq!(report.asked(), 6);
    assert!(report.complete && report.next.is_none() && report.paused.is_none());
    // No binding is due any more, also those that failed or moved; each has a next look of its own.
    assert_eq!(reconcile_before(&world, world.clock.now(), None, 9).await.asked(), 0);
    for (minutes, due) in [(1, 1), (5, 2), (60, 6)] {
        let before = world.clock.now() + Duration::minutes(minutes) + Duration::SECOND;
        let scope = ReconcileScope::Due(before);
        assert_eq!(world.stored.due(scope, None, 9).await.unwrap().len(), due, "{minutes} min");
    }
}

#[tokio::test]
async fn batches_continue_after_one_another() {
    let (world, ids) = bound(5).await;
    let before = NOON + Duration::HOUR + Duration::seconds(5);
    let first = reconcile_before(&world, before, None, 2).await;
    assert_eq!((first.active, first.next, first.complete), (2, Some(at(&ids, 2)), false));
    let second = reconcile_before(&world, before, first.next, 2).await;
    assert_eq!((second.active, second.next), (2, Some(at(&ids, 4))));
    let third = reconcile_before(&world, before, second.next, 2).await;
    assert_eq!((third.active, third.next, third.complete), (1, None, true));
    // A batch that is exactly full may have a successor, which is empty.
    let (world, _) = bound(2).await;
    let full = reconcile_before(&world, before, None, 2).await;
    assert!(full.next.is_some() && !full.complete);
    let empty = reconcile_before(&world, before, full.next, 2).await;
    assert_eq!((empty.asked(), empty.next, empty.complete), (0, None, true));
}

#[tokio::test]
async fn all_bindings_are_checked_once_by_number_whatever_their_next_look() {
    let (world, ids) = bound(5).await;
    fail(&world, &ids[2..3], PortErrorKind::Unavailable);
    let scope = ReconcileScope::ObservedBefore(time::PrimitiveDateTime::MAX.assume_utc());
    let (mut after, mut asked) = (None, Vec::new());
    loop {
        let batch = ReconcileBatch { scope, after, limit: 2, reserve_percent: 0 };
        let report = world.dockline.reconcile(batch).await.unwrap();
        asked.push(report.asked());
        after = report.next;
        if report.complete {
            break;
        }
    }
    assert_eq!(asked, [2, 2, 1]);
}

#[tokio::test]
async fn the_reserve_of_the_rate_limit_is_left_for_others() {
    for (limit, remaining, reserve_percent, resets_in, expected) in [
        (100, 10, 10, 60, 0),
        (100, 11, 10, 60, 2),
        (100, 0, 0, 60, 0),
        (100, 1, 0, 60, 2),
        (100, 99, 100, 60, 0),
        (100, 100, 255, 60, 0),
        (100, 101, 255, 60, 2),
        // The window ended: GitHub's numbers are outdated.
        (100, 0, 10, 0, 2),
        (100, 0, 10, -1, 2),
        (150, 15, 10, 60, 0),
        (150, 16, 10, 60, 2),
    ] {
        let (world, ids) = bound(2).await;
        world.github.set_rate_left(limit, remaining, Duration::seconds(resets_in));
        let scope = ReconcileScope::Due(world.clock.now());
        let batch = ReconcileBatch { scope, after: None, limit: 9, reserve_percent };
        let report = world.dockline.reconcile(batch).await.unwrap();
        let context = format!("{remaining} of {limit}, reserve {reserve_percent} %, {resets_in} s");
        assert_eq!((report.asked(), report.complete), (expected, expected > 0), "{context}");
        if expected == 0 {
            let pause = paused(&report);
            assert!(matches!(pause.cause, PauseCause::Reserve), "{pause:?}");
            assert_eq!(pause.until, world.clock.now() + Duration::seconds(resets_in));
            // The next batch begins with the first binding.
            assert_eq!((pause.at, report.next, failed(&report)), (at(&ids, 1), None, vec![]));
        }
    }
}

#[tokio::test]
async fn a_batch_that_stops_at_once_keeps_its_own_start() {
    let (world, ids) = bound(3).await;
    world.github.set_rate_left(100, 0, Duration::MINUTE);
    let start = Some(at(&ids, 1));
    let report = reconcile(&world, start, 9).await;
    assert_eq!((report.next, report.complete), (start, false));
    world.clock.advance(Duration::MINUTE);
    assert_eq!(reconcile(&world, report.next, 9).await.active, 2);
}

#[tokio::test]
async fn a_fault_of_the_app_itself_pauses_i_19() {
    let limited = PortErrorKind::RateLimited { retry_after: std::time::Duration::from_secs(90) };
    for (of_installation, of_app, looks, seconds) in [
        (PortErrorKind::Rejected, PortErrorKind::Rejected, 1, 60),
        (PortErrorKind::Rejected, PortErrorKind::Unavailable, 1, 60),
        (PortErrorKind::Rejected, limited, 1, 90),
        (PortErrorKind::Unavailable, PortErrorKind::Unavailable, 3, 60),
        (PortErrorKind::Corrupt, PortErrorKind::Rejected, 3, 60),
        (limited, PortErrorKind::Unexpected, 1, 90),
    ] {
        let (world, ids) = bound(4).await;
        world.gateway.set(Fault::FailsAs(of_installation).always().of("installation"));
        world.gateway.set(Fault::FailsAs(of_app).always().of("app"));
        let lookups = world.lookups();
        let report = reconcile(&world, None, 9).await;
        let pause = paused(&report);
        assert_eq!(pause.until, world.clock.now() + Duration::seconds(seconds));
        let cause = if of_installation == limited { limited } else { of_app };
        match (&pause.cause, cause) {
            (PauseCause::RateLimited, PortErrorKind::RateLimited { .. })
            | (PauseCause::Rejected(_), PortErrorKind::Rejected)
            | (PauseCause::OutOfReach(_), PortErrorKind::Unavailable) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!((world.lookups() - lookups, pause.at), (looks, at(&ids, looks)));
        assert_eq!(failed(&report), ids[..looks - 1].to_vec(), "before the pause");
        assert_eq!(world.gateway.count("app"), usize::from(of_installation != limited));
        // Those that failed are due again in minutes; the others are checked.
        world.gateway.clear();
        assert_eq!(reconcile(&world, report.next, 9).await.active, 4 - u32::try_from(looks).unwrap());
    }
}

#[tokio::test]
async fn one_bad_row_or_seven_never_stop_the_others_c10() {
    for (kind, bad) in [
        (PortErrorKind::Rejected, 1),
        (PortErrorKind::Rejected, 7),
        (PortErrorKind::Unavailable, 7),
        (PortErrorKind::Corrupt, 7),
        (PortErrorKind::Unexpected, 7),
    ] {
        let (world, ids) = bound(10).await;
        fail(&world, &ids[..bad], kind);
        let report = reconcile(&world, None, 20).await;
        assert_eq!((failed(&report), report.active as usize), (ids[..bad].to_vec(), 10 - bad), "{kind:?}");
        assert!(report.complete && report.paused.is_none());
        // GitHub is asked about the App once per rejection, and once per three other failures.
        let asked = if kind == PortErrorKind::Rejected { bad } else { bad / 3 };
        assert_eq!(world.gateway.count("app"), asked);
        // In the next run they come after the others, by their last attempt.
        let due = world.stored.due(ReconcileScope::Due(world.clock.now()), None, 9).await.unwrap();
        assert_eq!(due, []);
    }
}

#[tokio::test]
async fn a_row_that_is_limited_for_itself_is_put_back_c10() {
    let (world, ids) = bound(3).await;
    let retry_after = std::time::Duration::from_secs(3_600);
    fail(&world, &ids[..1], PortErrorKind::RateLimited { retry_after });
    let report = reconcile(&world, None, 9).await;
    assert!(matches!(paused(&report).cause, PauseCause::RateLimited));
    // The next run starts with the others.
    let next = reconcile(&world, None, 9).await;
    assert_eq!((next.active, next.paused.is_none()), (2, true));
}

#[tokio::test]
async fn three_failures_of_the_store_pause_and_a_success_between_resets_their_count() {
    let (world, ids) = bound(5).await;
    world.bindings.set(Fault::FailsBefore.times(2).of("observe"));
    let first = reconcile(&world, None, 3).await;
    assert_eq!((failed(&first), first.active), (ids[..2].to_vec(), 1));
    world.bindings.set(Fault::FailsBefore.times(2).of("observe"));
    let rest = reconcile(&world, first.next, 9).await;
    assert_eq!((failed(&rest), rest.paused.is_none()), (ids[3..].to_vec(), true));
    let (world, ids) = bound(5).await;
    world.bindings.set(Fault::FailsBefore.times(3).of("observe"));
    let report = reconcile(&world, None, 9).await;
    assert!(matches!(paused(&report).cause, PauseCause::OutOfReach(_)));
    assert_eq!((paused(&report).at, failed(&report)), (at(&ids, 3), ids[..2].to_vec()));
}

#[tokio::test]
async fn a_binding_that_is_released_is_not_checked() {
    let (world, ids) = bound(1).await;
    let organization = caller("org_1");
    world.dockline.detach(&organization, dockline::Uninstall::No).await.unwrap();
    assert_eq!(reconcile(&world, None, 9).await.asked(), 0);
    let record = world.stored.installation(ids[0]).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Active);
}

#[tokio::test]
async fn if_the_bindings_cannot_be_listed_the_batch_fails() {
    let (world, _) = bound(1).await;
    world.bindings.set(Fault::FailsBefore.once().of("due"));
    let scope = ReconcileScope::Due(world.clock.now());
    let batch = ReconcileBatch { scope, after: None, limit: 9, reserve_percent: 0 };
    assert_eq!(world.dockline.reconcile(batch).await.unwrap_err().kind(), PortErrorKind::Unavailable);
}
