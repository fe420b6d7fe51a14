//! A second organization tries to claim the first one's installation (`design.md` §3; L-01 to L-06, L-52, I1, I3, I10).

use dockline::ports::Event;
use dockline::{ClaimPolicy, RefusalReason};

use crate::world::World;

const NO_SUCH_INSTALLATION: u64 = 9_999_999;

#[tokio::test]
async fn under_policy_controlled_a_stranger_gets_what_an_absent_id_gets() {
    let world = World::start().await;
    let victims = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.rival).await;
    // Unbound, then bound, with an untied state, then with one tied to the stranger's own installation.
    let unbound = world.register(&world.rival, victims, &state).await.expect_error(422, "VALIDATION");
    let absent = world.register(&world.rival, NO_SUCH_INSTALLATION, &state).await.expect(422);
    assert_eq!(unbound.without_request_id(), absent.without_request_id());

    let acme_state = world.fresh_state(&world.acme).await;
    world.browser("olga").connect(victims, &acme_state).await;
    world.register(&world.acme, victims, &acme_state).await.expect(201);
    let bound = world.register(&world.rival, victims, &state).await.expect(422);
    assert_eq!(bound.without_request_id(), absent.without_request_id());

    let own = world.installed("mallory-inc", "mallory");
    world.browser("mallory").connect(own, &state).await;
    let tied = world.register(&world.rival, victims, &state).await.expect(422);
    assert_eq!(tied.without_request_id(), absent.without_request_id());
    assert_eq!(tied.issues(), ["installationId not_claimable"]);
}

#[tokio::test]
async fn under_policy_state_an_unbound_installation_is_anybodys_as_the_documentation_says() {
    let world = World::with_policy(ClaimPolicy::State).await;
    let victims = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.rival).await;
    let taken = world.register(&world.rival, victims, &state).await.expect(201);
    assert_eq!(taken.json["orgLogin"], "acme-coffee");
}

/// "Not yet proven" is not "free to take", and a claim never moves a binding (L-05, L-06).
#[tokio::test]
async fn even_under_policy_state_a_bound_installation_looks_absent_to_others() {
    let world = World::with_policy(ClaimPolicy::State).await;
    let victims = world.installed("acme-coffee", "olga");
    let acme_state = world.fresh_state(&world.acme).await;
    world.register(&world.acme, victims, &acme_state).await.expect(201);
    let state = world.fresh_state(&world.rival).await;
    let foreign = world.register(&world.rival, victims, &state).await.expect_error(422, "VALIDATION");
    let absent = world.register(&world.rival, NO_SUCH_INSTALLATION, &state).await.expect(422);
    assert_eq!(foreign.without_request_id(), absent.without_request_id());
    // The operator sees the difference that the caller must not.
    let reasons: Vec<_> = world
        .events
        .recorded()
        .into_iter()
        .filter_map(|event| if let Event::Refused { reason, .. } = event { Some(reason) } else { None })
        .collect();
    assert_eq!(reasons, [RefusalReason::Taken, RefusalReason::NoSuchInstallation]);
    // A refused claim has not used the state up.
    let own = world.installed("mallory-inc", "mallory");
    world.register(&world.rival, own, &state).await.expect(201);
}

#[tokio::test]
async fn a_state_of_another_organization_is_as_good_as_unknown_l_03() {
    let world = World::with_policy(ClaimPolicy::State).await;
    let installation = world.installed("acme-coffee", "olga");
    let acme_state = world.fresh_state(&world.acme).await;
    let foreign = world.register(&world.rival, installation, &acme_state).await.expect(422);
    let unknown = world.register(&world.rival, installation, "never-issued-to-anybody").await.expect(422);
    assert_eq!(foreign.without_request_id(), unknown.without_request_id());
    assert_eq!(foreign.issues(), ["state not_claimable"]);
    world.register(&world.acme, installation, &acme_state).await.expect(201);
}

#[tokio::test]
async fn a_state_tied_by_its_own_visitor_is_worth_nothing_to_another_organization() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    world.browser("olga").connect(installation, &state).await;
    let stolen = world.register(&world.rival, installation, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(stolen.issues(), ["state not_claimable"]);
    world.register(&world.acme, installation, &state).await.expect(201);
}

#[tokio::test]
async fn an_installation_that_was_removed_is_refused() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    world.browser("olga").connect(installation, &state).await;
    world.github().uninstall(installation).unwrap();
    let answer = world.register(&world.acme, installation, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["installationId not_claimable"]);
}

#[tokio::test]
async fn another_apps_installation_is_refused() {
    let world = World::with_policy(ClaimPolicy::State).await;
    let other = dockline_github_sim::NewApp::new("another-app", "https://other.example.com/callback");
    let other = world.github().create_app(other).unwrap();
    let foreign = world.github().install(other.app_id, "acme-coffee", "olga").unwrap();
    let state = world.fresh_state(&world.acme).await;
    let answer = world.register(&world.acme, foreign, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["installationId not_claimable"]);
}
