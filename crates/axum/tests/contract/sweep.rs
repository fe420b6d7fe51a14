//! A sweep that meets trouble: what it counts as failed, why it pauses, and where the next stretch goes on.

use dockline::ports::{Clock, ReconcileCursor};
use dockline::{ClaimPolicy, InstallationId, PauseCause, ReconcileBatch, ReconcileReport};
use dockline_github_sim::{Fault, FaultRule, Role};

use crate::world::{World, tenant};

const BOUND: usize = 6;

/// Six bindings, the first verified the longest ago.
async fn bound() -> (World, Vec<u64>) {
    let world = World::with_policy(ClaimPolicy::State).await;
    let mut installations = Vec::new();
    for number in 0..BOUND {
        let login = format!("org-{number}");
        world.github().create_organization(&login).unwrap();
        world.github().set_membership(&login, "olga", Role::Admin).unwrap();
        let tenant = tenant(&world.keys, &login, &login, |_| {});
        let installation = world.installed(&login, "olga");
        let state = world.fresh_state(&tenant).await;
        world.register(&tenant, installation, &state).await.expect(201);
        installations.push(installation);
        world.clock.advance(time::Duration::SECOND);
    }
    (world, installations)
}

/// The next stretch over all that was not verified since `before`.
async fn stretch(
    world: &World,
    before: time::OffsetDateTime,
    after: Option<ReconcileCursor>,
) -> ReconcileReport {
    let sweep = ReconcileBatch { before, after, limit: 10, reserve_percent: 0 };
    world.dockline.reconcile(sweep).await.unwrap()
}

fn fails(world: &World, installation: u64, fault: Fault) {
    let path = format!("/api/v3/app/installations/{installation}");
    world.github().set_fault(FaultRule::new(fault).for_path(&path));
}

fn failed(swept: &ReconcileReport) -> Vec<u64> {
    swept.failed.iter().map(|(installation, _)| installation.get()).collect()
}

#[tokio::test]
async fn a_limit_puts_off_and_fails_nothing() {
    let (world, installations) = bound().await;
    let before = world.clock.now();
    fails(&world, installations[2], Fault::SecondaryRateLimit { retry_after: Some(60), status: 429 });
    let swept = stretch(&world, before, None).await;
    assert_eq!((swept.active, failed(&swept)), (2, vec![]));
    let pause = swept.paused.unwrap();
    assert!(matches!(pause.cause, PauseCause::RateLimited), "{pause:?}");
    let wait = pause.until - world.clock.now();
    assert!(wait > time::Duration::seconds(55) && wait <= time::Duration::seconds(61), "{wait}");
    // The next stretch begins with the one that was put off.
    assert_eq!(swept.next.unwrap().installation, InstallationId::new(installations[1]).unwrap());
}

#[tokio::test]
async fn a_refused_credential_ends_it_at_once() {
    let (world, _) = bound().await;
    world.github().set_fault(FaultRule::new(Fault::Status { code: 401 }));
    let swept = stretch(&world, world.clock.now(), None).await;
    assert_eq!((swept.asked(), failed(&swept)), (0, vec![]));
    assert!(matches!(swept.paused.unwrap().cause, PauseCause::Rejected(_)));
}

#[tokio::test]
async fn three_in_a_row_make_a_pause_and_one_alone_is_passed_over() {
    let (world, installations) = bound().await;
    let before = world.clock.now();
    for broken in [0, 2, 3, 4] {
        fails(&world, installations[broken], Fault::Status { code: 502 });
    }
    let swept = stretch(&world, before, None).await;
    let passed_over = [0, 2, 3].map(|number| installations[number]);
    assert_eq!((swept.active, failed(&swept)), (1, passed_over.to_vec()));
    assert!(matches!(swept.paused.as_ref().unwrap().cause, PauseCause::OutOfReach(_)));
    // It goes on with the third of them, which counts as a first one now.
    let rest = stretch(&world, before, swept.next).await;
    assert_eq!((rest.active, failed(&rest)), (1, vec![installations[4]]));
    assert!(rest.paused.is_none() && rest.next.is_none());
    // What failed is still due, and nothing else is.
    world.github().clear_faults();
    let again = stretch(&world, before, None).await;
    assert_eq!((again.active, again.asked(), failed(&again)), (4, 4, vec![]));
}
