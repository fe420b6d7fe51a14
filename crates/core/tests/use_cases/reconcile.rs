//! `reconcile`: batches of lookups, and their pauses.

use dockline::ports::{Clock, ReconcileCursor};
use dockline::{
    InstallationId, InstalledOn, PauseCause, PortErrorKind, ReconcileBatch, ReconcileReport, Status,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::NOON;
use time::Duration;

use crate::support::{World, account_of, caller};

/// Bindings 1 to `count`, verified a second after one another.
async fn bound(count: u64) -> (World, Vec<InstallationId>) {
    let world = World::new();
    let mut ids = Vec::new();
    for number in 1..=count {
        let id = world.github.install(number, "acme-coffee");
        world.bind(&caller(&format!("org_{number}")), id).await;
        world.clock.advance(Duration::SECOND);
        ids.push(id);
    }
    (world, ids)
}

async fn reconcile(world: &World, after: Option<ReconcileCursor>, limit: u32) -> ReconcileReport {
    let batch = ReconcileBatch { before: NOON + Duration::HOUR, after, limit, reserve_percent: 10 };
    world.dockline.reconcile(batch).await.unwrap()
}

fn failed(report: &ReconcileReport) -> Vec<InstallationId> {
    report.failed.iter().map(|(id, _)| *id).collect()
}

/// The position after the binding with this number.
fn after(ids: &[InstallationId], number: usize) -> ReconcileCursor {
    let verified_at = NOON + Duration::seconds(i64::try_from(number).unwrap() - 1);
    ReconcileCursor { verified_at, installation: ids[number - 1] }
}

#[tokio::test]
async fn each_binding_is_counted_by_what_github_reports() {
    let (world, ids) = bound(5).await;
    world.github.suspend(ids[0], true);
    world.github.remove(ids[1]);
    let moved = InstalledOn::Account(account_of(99, "acme-tea"));
    world.github.change(ids[2], |installation| installation.installed_on = moved);
    world.gateway.set(Fault::FailsBefore.once().of("installation"));
    // The first binding fails, so the suspended one is counted as failed.
    let report = reconcile(&world, None, 9).await;
    assert_eq!((report.active, report.suspended, report.uninstalled), (2, 0, 1));
    assert_eq!((report.account_changed, failed(&report)), (1, vec![ids[0]]));
    assert_eq!(report.asked(), 5);
    assert!(report.next.is_none() && report.paused.is_none());
    // Checked bindings are due no more before the same time, but for those without an answer that counts.
    let batch =
        ReconcileBatch { before: NOON + Duration::seconds(5), after: None, limit: 9, reserve_percent: 0 };
    let again = world.dockline.reconcile(batch).await.unwrap();
    assert_eq!((again.suspended, again.account_changed, again.asked()), (1, 1, 2));
}

#[tokio::test]
async fn batches_continue_after_one_another() {
    let (world, ids) = bound(5).await;
    let first = reconcile(&world, None, 2).await;
    assert_eq!((first.active, first.next), (2, Some(after(&ids, 2))));
    let second = reconcile(&world, first.next, 2).await;
    assert_eq!((second.active, second.next), (2, Some(after(&ids, 4))));
    let batch = ReconcileBatch {
        before: NOON + Duration::seconds(5),
        after: second.next,
        limit: 2,
        reserve_percent: 10,
    };
    let third = world.dockline.reconcile(batch).await.unwrap();
    assert_eq!((third.active, third.next), (1, None));
    // A batch that is exactly full may have a successor, which is empty.
    let (world, _) = bound(2).await;
    let before = NOON + Duration::seconds(2);
    let batch = ReconcileBatch { before, after: None, limit: 2, reserve_percent: 10 };
    let full = world.dockline.reconcile(batch).await.unwrap();
    assert!(full.next.is_some());
    let empty = world.dockline.reconcile(ReconcileBatch { after: full.next, ..batch }).await.unwrap();
    assert_eq!((empty.asked(), empty.next), (0, None));
}

#[tokio::test]
async fn the_reserve_of_the_rate_limit_is_left_for_others() {
    let (world, ids) = bound(2).await;
    let asked = async |limit, remaining, reserve_percent, resets_in: i64| {
        world.github.set_rate_left(limit, remaining, Duration::seconds(resets_in));
        let batch = ReconcileBatch { before: NOON + Duration::HOUR, after: None, limit: 9, reserve_percent };
        let report = world.dockline.reconcile(batch).await.unwrap();
        match &report.paused {
            Some(pause) => {
                assert!(matches!(pause.cause, PauseCause::Reserve), "{pause:?}");
                assert_eq!(pause.until, world.clock.now() + Duration::seconds(resets_in));
                // The next batch begins with the first binding.
                assert!(report.next.is_some() && failed(&report).is_empty());
            }
            None => assert_eq!(report.next, None),
        }
        report.asked()
    };
    for (limit, remaining, reserve, resets_in, expected) in [
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
        let context = format!("{remaining} of {limit}, reserve {reserve} %, {resets_in} s");
        assert_eq!(asked(limit, remaining, reserve, resets_in).await, expected, "{context}");
    }
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn a_batch_that_stops_at_its_first_binding_is_followed_by_one_that_starts_with_it() {
    let (world, ids) = bound(3).await;
    world.github.set_rate_left(100, 0, Duration::MINUTE);
    let paused = reconcile(&world, None, 9).await;
    let just_before = ReconcileCursor { verified_at: NOON - Duration::MICROSECOND, installation: ids[0] };
    assert_eq!((paused.asked(), paused.next), (0, Some(just_before)));
    world.clock.advance(Duration::MINUTE);
    let next = reconcile(&world, paused.next, 9).await;
    assert_eq!((next.active, next.next), (3, None));
    // A batch that stops at once keeps its own start.
    world.github.set_rate_left(100, 0, Duration::MINUTE);
    let start = Some(ReconcileCursor { verified_at: NOON, installation: ids[0] });
    assert_eq!(reconcile(&world, start, 9).await.next, start);
}

#[tokio::test]
async fn a_rejected_credential_or_a_rate_limit_pauses_at_once_i_19() {
    let limited = PortErrorKind::RateLimited { retry_after: std::time::Duration::from_secs(90) };
    for (kind, seconds) in [(PortErrorKind::Rejected, 60), (limited, 90)] {
        let (world, ids) = bound(3).await;
        world.gateway.set(Fault::FailsAs(kind).always().of("installation"));
        let lookups = world.lookups();
        let report = reconcile(&world, None, 9).await;
        let pause = report.paused.as_ref().unwrap();
        assert_eq!(pause.until, world.clock.now() + Duration::seconds(seconds));
        match (&pause.cause, kind) {
            (PauseCause::RateLimited, PortErrorKind::RateLimited { .. }) => {}
            (PauseCause::Rejected(error), _) => assert_eq!(error.kind(), kind),
            other => panic!("{other:?}"),
        }
        assert_eq!((world.lookups() - lookups, failed(&report), report.asked()), (1, vec![], 0));
        world.gateway.clear();
        let next = reconcile(&world, report.next, 9).await;
        assert_eq!(next.active, 3, "{ids:?}");
    }
}

#[tokio::test]
async fn three_consecutive_failures_pause_and_single_ones_do_not() {
    let (world, ids) = bound(8).await;
    let fails = |times| {
        world.gateway.set(Fault::FailsAs(PortErrorKind::Corrupt).times(times).of("installation"));
    };
    fails(2);
    let first = reconcile(&world, None, 3).await;
    assert_eq!((first.active, failed(&first)), (1, ids[..2].to_vec()));
    assert!(first.paused.is_none());
    // The success resets the count.
    fails(2);
    let second = reconcile(&world, first.next, 2).await;
    assert_eq!((failed(&second), second.paused.is_none()), (ids[3..5].to_vec(), true));
    fails(3);
    let third = reconcile(&world, second.next, 9).await;
    assert_eq!(failed(&third), ids[5..7].to_vec());
    let pause = third.paused.unwrap();
    assert!(matches!(pause.cause, PauseCause::OutOfReach(error) if error.kind() == PortErrorKind::Corrupt));
    assert_eq!(pause.until, world.clock.now() + Duration::MINUTE);
    assert_eq!(third.next, Some(after(&ids, 7)));
    let fourth = reconcile(&world, third.next, 1).await;
    assert_eq!((fourth.active, fourth.next), (1, Some(after(&ids, 8))));
}

#[tokio::test]
async fn a_success_between_failures_resets_their_count() {
    let (world, ids) = bound(5).await;
    for failing in [ids[0], ids[1], ids[3], ids[4]] {
        world.github.change(failing, |installation| installation.suspended = true);
    }
    // Every lookup of a suspended installation fails in the store, since its status changes.
    world.bindings.set(Fault::FailsBefore.times(2).of("observe"));
    let first = reconcile(&world, None, 3).await;
    assert_eq!((failed(&first), first.active), (ids[..2].to_vec(), 1));
    world.bindings.set(Fault::FailsBefore.times(2).of("observe"));
    let rest = reconcile(&world, first.next, 9).await;
    assert_eq!((failed(&rest), rest.paused.is_none()), (ids[3..].to_vec(), true));
}

#[tokio::test]
async fn a_binding_that_is_released_during_the_batch_is_checked_all_the_same() {
    let (world, ids) = bound(1).await;
    let organization = caller("org_1");
    world.dockline.detach(&organization, dockline::Uninstall::No).await.unwrap();
    assert_eq!(reconcile(&world, None, 9).await.asked(), 0);
    let record = dockline::ports::BindingRepo::installation(&world.stored, ids[0]).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Active);
}

#[tokio::test]
async fn if_the_bindings_cannot_be_listed_the_batch_fails() {
    let (world, _) = bound(1).await;
    world.bindings.set(Fault::FailsBefore.once().of("stale"));
    let batch = ReconcileBatch { before: NOON + Duration::HOUR, after: None, limit: 9, reserve_percent: 0 };
    assert_eq!(world.dockline.reconcile(batch).await.unwrap_err().kind(), PortErrorKind::Unavailable);
}
