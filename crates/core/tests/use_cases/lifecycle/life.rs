//! The life of an installation: missing, absent, back again; and what callers see and cause meanwhile (I7, I8, I33).

use dockline::ports::{BindingRepo, Event};
use dockline::{
    Binding, ErrorCode, InstallationId, PortErrorKind, Presence, RefreshOutcome, Registered,
    RegistrationRequest, RepositoriesError, RepositoriesQuery, Status, TokenError, TokenScope, UninstalledBy,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::NOON;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;

use crate::support::{Held, World, acme, caller, repository, rival, shown};

/// The time of the first 404, later than the registration.
const START: OffsetDateTime = NOON.saturating_add(Duration::MINUTE);

const ABSENT: Presence = Presence::Uninstalled { by: UninstalledBy::Absence };

async fn token(world: &World) -> Result<(), TokenError> {
    world.dockline.token(&acme().organization, &TokenScope::everything()).await.map(drop)
}

async fn repositories(world: &World) -> Result<usize, RepositoriesError> {
    let query = RepositoriesQuery::parse(None, None, None).unwrap();
    let page = world.dockline.repositories(&acme().organization, &query).await?;
    Ok(page.repositories.len())
}

/// Looks at the installation so many minutes after the start.
async fn look(world: &World, id: InstallationId, minutes: i64) -> (RefreshOutcome, Vec<Event>) {
    world.set_time(START + Duration::minutes(minutes));
    let (outcome, events) = world.observed(world.dockline.refresh(id)).await;
    (outcome.unwrap(), events)
}

/// A binding whose installation GitHub does not show since the start.
async fn missing() -> (World, Binding) {
    let world = World::new();
    let bound = world.bound().await;
    world.github.remove(bound.installation);
    assert_eq!(look(&world, bound.installation, 0).await.0, RefreshOutcome::Missing);
    (world, bound)
}

/// A binding whose installation was not shown for an hour, as of an hour after the start.
async fn absent() -> (World, Binding) {
    let (world, bound) = missing().await;
    assert_eq!(look(&world, bound.installation, 60).await.0, RefreshOutcome::Gone);
    (world, bound)
}

#[tokio::test]
async fn a_404_makes_a_binding_missing_and_a_200_brings_it_back_c01_l_55() {
    let (world, bound) = missing().await;
    let (id, organization) = (bound.installation, Some(bound.organization.clone()));
    let stored = world.stored_binding().await.unwrap();
    assert_eq!((stored.status, stored.last_verified_at), (Status::Active, bound.last_verified_at));
    assert!(matches!(stored.life.presence, Presence::Missing { looks: 1, .. }), "{:?}", stored.life);
    world.github.install(1, "acme-coffee");
    let returned = Event::Returned { organization, installation: id };
    assert_eq!(look(&world, id, 1).await, (RefreshOutcome::Present(Status::Active), vec![returned]));
    let stored = world.stored_binding().await.unwrap();
    assert_eq!((stored.registered_at, stored.life), (bound.registered_at, shown(START + Duration::MINUTE)));
    token(&world).await.unwrap();
}

#[tokio::test]
async fn an_absent_binding_returns_with_its_suspension_c01() {
    let (world, bound) = absent().await;
    let id = bound.installation;
    assert_eq!(world.stored_binding().await.unwrap().life.presence, ABSENT);
    // A day later, and many days later, a look asks GitHub again.
    assert_eq!(look(&world, id, 60 + 24 * 60).await, (RefreshOutcome::Gone, vec![]));
    world.github.install(1, "acme-coffee");
    world.github.suspend(id, true);
    let lookups = world.lookups();
    assert_eq!(look(&world, id, 29 * 24 * 60).await.0, RefreshOutcome::Present(Status::Suspended));
    assert_eq!(world.lookups(), lookups + 1);
    assert_eq!(world.stored_binding().await.unwrap().organization, bound.organization);
}

#[tokio::test]
async fn each_change_is_one_event_and_looks_between_are_none() {
    let world = World::new();
    let bound = world.bound().await;
    let (id, organization) = (bound.installation, Some(bound.organization));
    world.github.remove(id);
    let missing = Event::Missing { organization: organization.clone(), installation: id };
    let absent = Event::Absent { organization, installation: id };
    for (minutes, outcome, events) in [
        (0, RefreshOutcome::Missing, vec![missing]),
        (1, RefreshOutcome::Missing, vec![]),
        (59, RefreshOutcome::Missing, vec![]),
        (60, RefreshOutcome::Gone, vec![absent]),
        (61, RefreshOutcome::Gone, vec![]),
    ] {
        assert_eq!(look(&world, id, minutes).await, (outcome, events), "{minutes} min");
    }
}

#[tokio::test]
async fn a_missing_binding_serves_no_token_and_evicts_those_of_before_i_8() {
    let world = World::new();
    let bound = world.bound().await;
    token(&world).await.unwrap();
    world.github.remove(bound.installation);
    look(&world, bound.installation, 0).await;
    let minted = token(&world).await;
    let due = START + Duration::MINUTE;
    assert!(matches!(minted, Err(TokenError::Missing { next_look }) if next_look == due), "{minted:?}");
    match repositories(&world).await {
        Err(error @ RepositoriesError::Missing { retry_after }) => {
            assert_eq!((error.code(), retry_after.as_secs()), (ErrorCode::PlatformError, 60));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.github.minted(), 1);
    world.dockline.revoke_tokens().await;
    assert_eq!(world.gateway.count("revoke"), 0, "the token was evicted");
}

#[tokio::test]
async fn a_call_for_a_token_or_a_listing_looks_at_most_once_a_minute_and_finds_the_return() {
    for missing_for in [0, 60] {
        let (world, bound) = if missing_for == 0 { missing().await } else { absent().await };
        let since = START + Duration::minutes(missing_for);
        let lookups = world.lookups();
        for (seconds, expected) in [(0, 0), (59, 0), (60, 1), (60, 1), (119, 1), (120, 2)] {
            world.set_time(since + Duration::seconds(seconds));
            assert!(token(&world).await.is_err() && repositories(&world).await.is_err());
            assert_eq!(world.lookups() - lookups, expected, "{seconds} s");
        }
        world.github.install(1, "acme-coffee");
        world.github.set_repositories([1]);
        assert!(token(&world).await.is_err(), "not due");
        world.set_time(since + Duration::minutes(4));
        token(&world).await.unwrap();
        assert_eq!(repositories(&world).await.unwrap(), 1);
        assert_eq!(world.stored_binding().await.unwrap().registered_at, bound.registered_at);
    }
}

#[tokio::test]
async fn a_repeated_registration_looks_at_most_once_a_minute_and_works_while_github_is_down() {
    for missing_for in [0, 60] {
        let (world, bound) = if missing_for == 0 { missing().await } else { absent().await };
        let (id, since) = (bound.installation, START + Duration::minutes(missing_for));
        let state = world.state().await;
        let replay = async || match world.register(&acme(), id, &state).await.unwrap() {
            Registered::Replayed(binding) => binding,
            other => panic!("{other:?}"),
        };
        let lookups = world.lookups();
        for (seconds, expected) in [(59, 0), (60, 1), (60, 1)] {
            world.set_time(since + Duration::seconds(seconds));
            assert_ne!(replay().await.life.presence, Presence::Shown);
            assert_eq!(world.lookups() - lookups, expected, "{seconds} s");
        }
        world.set_time(since + Duration::minutes(5));
        world.gateway.set(Fault::FailsBefore.once().of("installation"));
        assert_ne!(replay().await.life.presence, Presence::Shown);
        world.github.install(1, "acme-coffee");
        assert_ne!(replay().await.life.presence, Presence::Shown, "a failed look counts");
        world.clock.advance(Duration::MINUTE);
        let back = replay().await;
        assert_eq!((back.life.presence, back.registered_at), (Presence::Shown, bound.registered_at));
    }
}

/// Calls at the same time, of all kinds and with tokens of any scope, cause one look; also one that fails is not repeated
/// within the minute.
#[tokio::test]
async fn concurrent_calls_about_a_missing_installation_look_once() {
    for fails in [false, true] {
        let (world, bound) = missing().await;
        let state = world.state().await;
        world.clock.advance(Duration::MINUTE);
        let before = world.lookups();
        let register = || {
            let (dockline, state) = (world.dockline.clone(), state.clone());
            async move {
                let request = RegistrationRequest { installation: bound.installation, state };
                dockline.register(&acme(), &request).await.map(drop).unwrap();
            }
        };
        let look = Held::before(&world.gateway, "installation", register()).await;
        let mut others = JoinSet::new();
        for number in 0..30 {
            let dockline = world.dockline.clone();
            let organization = acme().organization;
            match number % 3 {
                0 => drop(others.spawn(register())),
                1 => drop(others.spawn(async move {
                    let scope =
                        TokenScope::everything().with_repositories([repository(number + 1).id]).unwrap();
                    dockline.token(&organization, &scope).await.unwrap_err();
                })),
                _ => drop(others.spawn(async move {
                    let query = RepositoriesQuery::parse(None, None, None).unwrap();
                    dockline.repositories(&organization, &query).await.unwrap_err();
                })),
            }
        }
        // Each of the others waits for the look.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        assert!(others.try_join_next().is_none());
        if fails {
            world.github.fail(bound.installation, PortErrorKind::Unavailable);
        }
        look.finish().await;
        while let Some(ended) = others.join_next().await {
            ended.unwrap();
        }
        assert_eq!(world.lookups() - before, 1, "fails: {fails}");
        register().await;
        assert!(token(&world).await.is_err());
        assert_eq!(world.lookups() - before, 1, "fails: {fails}");
        world.clock.advance(Duration::MINUTE);
        register().await;
        assert_eq!(world.lookups() - before, 2, "fails: {fails}");
    }
}

#[tokio::test]
async fn a_released_installation_that_was_missing_or_absent_can_be_registered_when_github_shows_it_c01() {
    for missing_for in [0, 60] {
        let (world, bound) = if missing_for == 0 { missing().await } else { absent().await };
        world.dockline.detach(&acme(), dockline::Uninstall::No).await.unwrap();
        world.clock.advance(Duration::MINUTE);
        world.github.install(1, "acme-coffee");
        let binding = world.bind(&rival(), bound.installation).await;
        assert_eq!((binding.status, binding.life.presence), (Status::Active, Presence::Shown));
    }
}

#[tokio::test]
async fn a_detach_frees_a_missing_binding_while_github_is_down() {
    let (world, _) = missing().await;
    world.gateway.set(Fault::FailsBefore.always());
    world.dockline.detach(&acme(), dockline::Uninstall::No).await.unwrap();
    assert_eq!(world.stored_binding().await, None);
}

#[tokio::test]
async fn an_outage_is_no_404() {
    let world = World::new();
    let bound = world.bound().await;
    for kind in [PortErrorKind::Unavailable, PortErrorKind::Corrupt, PortErrorKind::Rejected] {
        world.gateway.set(Fault::FailsAs(kind).once().of("installation"));
        world.dockline.refresh(bound.installation).await.unwrap_err();
    }
    assert_eq!(world.stored_binding().await.unwrap().life.presence, Presence::Shown);
}

#[tokio::test]
async fn a_failed_look_puts_the_next_one_forward_c10() {
    let world = World::new();
    let bound = world.bound().await;
    world.clock.advance(Duration::HOUR);
    world.gateway.set(Fault::FailsBefore.once().of("installation"));
    world.dockline.refresh(bound.installation).await.unwrap_err();
    let next = world.stored_binding().await.unwrap().life.next_look_at.unwrap();
    assert_eq!(next, NOON + Duration::HOUR + Duration::minutes(5));
}

/// One row that cannot be read must not stay the first that is due, which would raise the sweep's lag for ever.
#[tokio::test]
async fn a_record_that_cannot_be_read_is_put_forward_too() {
    let world = World::new();
    let bound = world.bound().await;
    world.clock.advance(Duration::HOUR);
    world.bindings.set(Fault::FailsAs(PortErrorKind::Corrupt).once().of("installation"));
    world.dockline.refresh(bound.installation).await.unwrap_err();
    let next = world.stored_binding().await.unwrap().life.next_look_at.unwrap();
    assert_eq!(next, NOON + Duration::HOUR + Duration::minutes(5));
    assert_eq!(world.lookups(), 1, "by the registration");
}

#[tokio::test]
async fn a_look_of_the_host_is_stored_with_its_interval() {
    let world =
        World::with(|builder| builder.with_look_interval(std::time::Duration::from_secs(6 * 60 * 60)));
    let bound = world.bound().await;
    assert_eq!(bound.life.next_look_at, Some(NOON + Duration::hours(6)));
    world.clock.advance(Duration::HOUR);
    world.dockline.refresh(bound.installation).await.unwrap();
    let next = world.stored_binding().await.unwrap().life.next_look_at;
    assert_eq!(next, Some(NOON + Duration::hours(7)));
}

#[tokio::test]
async fn a_deletion_that_github_signed_ends_a_missing_binding_for_good_i_7() {
    let (world, bound) = missing().await;
    let id = bound.installation;
    let at = START + Duration::SECOND;
    world.stored.observe(id, dockline::ports::Observation::Deleted { at }).await.unwrap();
    world.github.install(1, "acme-coffee");
    let lookups = world.lookups();
    assert_eq!(look(&world, id, 5).await, (RefreshOutcome::Gone, vec![]));
    assert_eq!(world.lookups(), lookups, "GitHub is not asked");
    let minted = token(&world).await;
    assert!(matches!(minted, Err(TokenError::Uninstalled)), "{minted:?}");
}

/// One sweep over 30 bindings that GitHub does not show by mistake, every quarter of an hour for a day, with callers between.
/// Twenty become missing, and absent an hour later; the others stay.
#[tokio::test]
async fn a_mass_of_404s_ends_no_binding_and_sounds_the_alarm_i_33_c01() {
    let world = World::new();
    for number in 1..=30 {
        let id = world.github.install(number, "acme-coffee");
        world.bind(&caller(&format!("org_{number}")), id).await;
    }
    for number in 1..=30 {
        world.github.remove(dockline_testkit::fixtures::installation(number));
    }
    let not_shown = async || {
        let mut count = 0;
        for number in 1..=30 {
            let stored = world.stored.find(&caller(&format!("org_{number}")).organization).await.unwrap();
            count += u32::from(stored.unwrap().life.presence != Presence::Shown);
        }
        count
    };
    let mut held = 0;
    for quarter in 1..=96 {
        world.set_time(NOON + Duration::minutes(15 * quarter));
        let (swept, events) = world.observed(sweep(&world)).await;
        held += events.iter().filter(|event| matches!(event, Event::MissingHeld { .. })).count();
        assert!(swept.failed.is_empty() && not_shown().await <= 20, "{swept:?}");
        let refused = world.dockline.token(&caller("org_30").organization, &TokenScope::everything()).await;
        let stored = world.stored.find(&caller("org_30").organization).await.unwrap().unwrap();
        match stored.life.presence {
            ABSENT => assert!(matches!(refused, Err(TokenError::Uninstalled)), "{refused:?}"),
            _ => assert!(matches!(refused, Err(TokenError::Missing { .. })), "{refused:?}"),
        }
    }
    assert!(held > 0, "no alarm");
    assert_eq!(not_shown().await, 20);
    // The incident ends: one sweep over everything brings all of them back.
    for number in 1..=30 {
        world.github.install(number, "acme-coffee");
    }
    world.clock.advance(Duration::MINUTE);
    sweep_all(&world).await;
    assert_eq!(not_shown().await, 0);
}

async fn sweep(world: &World) -> dockline::ReconcileReport {
    use dockline::ports::Clock;
    let scope = dockline::ports::ReconcileScope::Due(world.clock.now());
    let batch = dockline::ReconcileBatch { scope, after: None, limit: 100, reserve_percent: 0 };
    world.dockline.reconcile(batch).await.unwrap()
}

async fn sweep_all(world: &World) {
    use dockline::ports::Clock;
    let scope = dockline::ports::ReconcileScope::ObservedBefore(world.clock.now());
    let batch = dockline::ReconcileBatch { scope, after: None, limit: 100, reserve_percent: 0 };
    let swept = world.dockline.reconcile(batch).await.unwrap();
    assert!(swept.failed.is_empty() && swept.complete, "{swept:?}");
}
