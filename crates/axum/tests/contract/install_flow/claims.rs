//! A second organization tries to claim the first one's installation (L-01 to L-06, L-52, I1, I3, I10).

use dockline::ports::Event;
use dockline::{ClaimPolicy, RefusalReason};

use crate::fixture::Fixture;

const NO_SUCH_INSTALLATION: u64 = 9_999_999;

#[tokio::test]
async fn under_policy_controlled_a_stranger_gets_what_an_absent_id_gets() {
    let fixture = Fixture::start().await;
    let victims = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.rival).await;
    // Unbound and bound, with an untied state and with one tied to the stranger's own installation.
    let unbound = fixture.register(&fixture.rival, victims, &state).await.expect_error(422, "VALIDATION");
    let absent = fixture.register(&fixture.rival, NO_SUCH_INSTALLATION, &state).await.expect(422);
    assert_eq!(unbound.without_request_id(), absent.without_request_id());

    let acme_state = fixture.fresh_state(&fixture.acme).await;
    fixture.browser("olga").connect(victims, &acme_state).await;
    fixture.register(&fixture.acme, victims, &acme_state).await.expect(201);
    let bound = fixture.register(&fixture.rival, victims, &state).await.expect(422);
    assert_eq!(bound.without_request_id(), absent.without_request_id());

    let own = fixture.installed("mallory-inc", "mallory");
    fixture.browser("mallory").connect(own, &state).await;
    let tied = fixture.register(&fixture.rival, victims, &state).await.expect(422);
    assert_eq!(tied.without_request_id(), absent.without_request_id());
    assert_eq!(tied.issues(), ["installationId not_claimable"]);
}

#[tokio::test]
async fn under_policy_state_any_organization_can_bind_an_unbound_installation() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let victims = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.rival).await;
    let taken = fixture.register(&fixture.rival, victims, &state).await.expect(201);
    assert_eq!(taken.json["orgLogin"], "acme-coffee");
}

/// A claim never moves a binding (L-05, L-06).
#[tokio::test]
async fn even_under_policy_state_a_bound_installation_looks_absent_to_others() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let victims = fixture.installed("acme-coffee", "olga");
    let acme_state = fixture.fresh_state(&fixture.acme).await;
    fixture.register(&fixture.acme, victims, &acme_state).await.expect(201);
    let state = fixture.fresh_state(&fixture.rival).await;
    let foreign = fixture.register(&fixture.rival, victims, &state).await.expect_error(422, "VALIDATION");
    let absent = fixture.register(&fixture.rival, NO_SUCH_INSTALLATION, &state).await.expect(422);
    assert_eq!(foreign.without_request_id(), absent.without_request_id());
    // The events show the reason, which the response hides.
    let reasons: Vec<_> = fixture
        .events
        .recorded()
        .into_iter()
        .filter_map(|event| if let Event::Refused { reason, .. } = event { Some(reason) } else { None })
        .collect();
    assert_eq!(reasons, [RefusalReason::Taken, RefusalReason::NoSuchInstallation]);
    // A refused claim does not use up the state.
    let own = fixture.installed("mallory-inc", "mallory");
    fixture.register(&fixture.rival, own, &state).await.expect(201);
}

#[tokio::test]
async fn a_state_of_another_organization_is_unknown_l_03() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let acme_state = fixture.fresh_state(&fixture.acme).await;
    let foreign = fixture.register(&fixture.rival, installation, &acme_state).await.expect(422);
    let unknown = fixture.register(&fixture.rival, installation, "never-issued-to-anybody").await.expect(422);
    assert_eq!(foreign.without_request_id(), unknown.without_request_id());
    assert_eq!(foreign.issues(), ["state not_claimable"]);
    fixture.register(&fixture.acme, installation, &acme_state).await.expect(201);
}

#[tokio::test]
async fn a_tied_state_is_useless_to_another_organization() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.browser("olga").connect(installation, &state).await;
    let stolen = fixture.register(&fixture.rival, installation, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(stolen.issues(), ["state not_claimable"]);
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
}

#[tokio::test]
async fn an_installation_that_was_removed_is_refused() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.browser("olga").connect(installation, &state).await;
    fixture.github().uninstall(installation).unwrap();
    let answer = fixture.register(&fixture.acme, installation, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["installationId not_claimable"]);
}

#[tokio::test]
async fn another_apps_installation_is_refused() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let other = dockline_github_sim::NewApp::new("another-app", "https://other.example.com/callback");
    let other = fixture.github().create_app(other).unwrap();
    let foreign = fixture.github().install(other.app_id, "acme-coffee", "olga").unwrap();
    let state = fixture.fresh_state(&fixture.acme).await;
    let answer = fixture.register(&fixture.acme, foreign, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["installationId not_claimable"]);
}
