//! Forged and odd arrivals at the callback: nothing is tied, and nobody is redirected where they were not meant to go
//! (`design.md` §3; L-07 to L-11, L-16 to L-22, L-62).

use dockline::ClaimPolicy;

use crate::answer::Answer;
use crate::world::{Choice, RETURN_URL, World};

/// The refusal as a page, with its reason as a program sees it.
async fn refused(world: &World, query: &str) -> String {
    let url = world.callback(query);
    let answer = Answer::of(world.http.get(&url)).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.header("location"), "");
    assert_eq!(answer.header("set-cookie"), "");
    answer.json["error"]["details"]["reason"].as_str().unwrap().to_owned()
}

/// The state is as good as before: it can still be used properly (L-19, I6).
async fn still_works(world: &World, installation: u64, state: &str) {
    world.browser("olga").connect(installation, state).await;
    world.register(&world.acme, installation, state).await.expect(201);
}

#[tokio::test]
async fn states_that_cannot_be_used_lead_nowhere() {
    let world = World::start().await;
    let code = || world.code("olga");
    for (query, reason) in [
        (format!("code={}&installation_id=1", code()), "malformed_state"),
        (format!("code={}&installation_id=1&state=", code()), "malformed_state"),
        (format!("code={}&installation_id=1&state=a%20b", code()), "malformed_state"),
        (format!("code={}&installation_id=1&state=never-issued-to-anybody", code()), "unknown_state"),
    ] {
        assert_eq!(refused(&world, &query).await, reason, "{query}");
    }
    // L-11: the owner who approves a request comes without the state of whoever asked, and connects nobody.
    let owner = format!("code={}&installation_id=1&setup_action=install", code());
    assert_eq!(refused(&world, &owner).await, "malformed_state");
    let state = world.fresh_state(&world.acme).await;
    let doubled = format!("code={}&installation_id=1&state={state}&state={state}", code());
    assert_eq!(refused(&world, &doubled).await, "malformed_state");
    world.clock.advance(time::Duration::minutes(15));
    let late = format!("code={}&installation_id=1&state={state}", code());
    assert_eq!(refused(&world, &late).await, "expired_state");
    assert_eq!(world.github().count_requests("POST", "/login/oauth"), 0, "a bad state never reaches GitHub");
}

#[tokio::test]
async fn somebody_elses_installation_with_a_valid_code_of_mine_is_refused_l_01() {
    let world = World::start().await;
    let victims = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.rival).await;
    let query = |id: u64| format!("code={}&installation_id={id}&state={state}", world.code("mallory"));
    assert_eq!(refused(&world, &query(victims)).await, "not_visible");
    // One that does not exist reads the same, to the byte.
    let page = |id| {
        let url = world.callback(&query(id));
        let world = &world;
        async move { Answer::of(world.http.get(url).header("accept", "text/html")).await.expect(422) }
    };
    assert_eq!(page(victims).await.text, page(9_999_999).await.text);
    assert_eq!(world.github().live_user_tokens(), 0, "refused visitors' tokens are revoked as well");
}

#[tokio::test]
async fn a_member_who_sees_the_installation_does_not_administer_it_l_08() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let query = format!("code={}&installation_id={installation}&state={state}", world.code("max"));
    assert_eq!(refused(&world, &query).await, "not_administered");
    still_works(&world, installation, &state).await;
    // Where the host asks for less, the same member suffices.
    let world = World::with_policy(ClaimPolicy::Visible).await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    world.browser("max").connect(installation, &state).await;
    world.register(&world.acme, installation, &state).await.expect(201);
}

#[tokio::test]
async fn without_members_read_an_administrator_of_an_organization_is_only_seen() {
    let app = |app: dockline_github_sim::NewApp| app.with_permissions([("metadata", "read")]);
    let world = World::with(Choice { app, ..Choice::default() }).await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let query = format!("code={}&installation_id={installation}&state={state}", world.code("olga"));
    assert_eq!(refused(&world, &query).await, "not_administered");
}

/// Without a code nothing is tied, and nobody gets to the product: the visitor is sent to GitHub to say who they are. One
/// who comes back from there without a code is refused.
#[tokio::test]
async fn a_missing_code_is_a_refusal_not_a_skip_l_07() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let page = format!("{}/login/oauth/authorize?client_id={}", world.sim.web, world.app.client_id);
    for action in ["install", "update", "anything"] {
        let query = format!("installation_id={installation}&setup_action={action}&state={state}");
        let sent = Answer::of(world.http.get(world.callback(&query))).await.expect(302);
        assert_eq!(sent.header("location"), format!("{page}&state={state}~{installation}"));
        assert_eq!(sent.header("cache-control"), "no-store");
        assert_eq!(sent.header("set-cookie"), "");
    }
    let answer = world.register(&world.acme, installation, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["installationId not_claimable"]);
    assert_eq!(refused(&world, &format!("state={state}~{installation}")).await, "missing_code");
    let denied = format!("error=access_denied&state={state}~{installation}");
    assert_eq!(refused(&world, &denied).await, "authorization_denied");
    // Also where GitHub says so during the installation.
    let denied = format!("error=access_denied&installation_id={installation}&state={state}");
    assert_eq!(refused(&world, &denied).await, "authorization_denied");
    still_works(&world, installation, &state).await;
}

#[tokio::test]
async fn a_code_is_good_once() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let query = format!("code={}&installation_id={installation}&state={state}", world.code("olga"));
    Answer::of(world.http.get(world.callback(&query))).await.expect(200);
    assert_eq!(refused(&world, &query).await, "code_refused");
    let made_up = format!("code=0123456789abcdef&installation_id={installation}&state={state}");
    assert_eq!(refused(&world, &made_up).await, "code_refused");
    still_works(&world, installation, &state).await;
}

#[tokio::test]
async fn a_state_tied_to_one_installation_takes_no_other() {
    let world = World::start().await;
    let first = world.installed("acme-coffee", "olga");
    let second = world.installed("olga", "olga");
    let state = world.fresh_state(&world.acme).await;
    world.browser("olga").connect(first, &state).await;
    let query = format!("code={}&installation_id={second}&state={state}", world.code("olga"));
    assert_eq!(refused(&world, &query).await, "tied_to_another");
    // The same one again is fine: a visitor who comes back.
    world.browser("olga").connect(first, &state).await;
    let answer = world.register(&world.acme, second, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["installationId not_claimable"]);
    world.register(&world.acme, first, &state).await.expect(201);
}

#[tokio::test]
async fn an_installation_id_is_a_plain_number() {
    let world = World::start().await;
    let state = world.fresh_state(&world.acme).await;
    for id in ["", "0", "-1", "%2B1", "1.0", "1e3", "9007199254740992", "abc", "1&installation_id=2"] {
        let query = format!("code={}&installation_id={id}&state={state}", world.code("olga"));
        assert_eq!(refused(&world, &query).await, "malformed_installation", "{id}");
    }
    let none = format!("code={}&state={state}", world.code("olga"));
    assert_eq!(refused(&world, &none).await, "malformed_installation");
}

#[tokio::test]
async fn an_enterprise_and_an_account_that_github_does_not_name_are_refused_with_the_reason() {
    let world = World::with_policy(ClaimPolicy::State).await;
    let enterprise = world.installed("acme-holding", "olga");
    let nobodys = world.installed("olga", "olga");
    world.github().null_account(nobodys).unwrap();
    for id in [enterprise, nobodys] {
        let state = world.fresh_state(&world.acme).await;
        let answer = world.register(&world.acme, id, &state).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), ["installationId not_claimable"]);
        assert!(world.events.recorded().iter().any(|event| matches!(
            event,
            dockline::ports::Event::Refused { reason: dockline::RefusalReason::UnbindableAccount, installation, .. }
                if installation.get() == id
        )));
    }
}

#[tokio::test]
async fn a_request_to_the_owners_is_told_to_the_product_and_ties_nothing_l_62() {
    let world = World::start().await;
    let state = world.fresh_state(&world.acme).await;
    let max = world.browser("max");
    let back = max.arrive(&world.callback(&format!("setup_action=request&state={state}"))).await.expect(302);
    assert_eq!(back.header("location"), format!("{RETURN_URL}?state={state}&setup_action=request"));
    let installation = world.installed("acme-coffee", "olga");
    world.register(&world.acme, installation, &state).await.expect_error(422, "VALIDATION");
    still_works(&world, installation, &state).await;
}

#[tokio::test]
async fn an_update_of_an_installation_is_proven_like_any_other_l_61() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let olga = world.browser("olga");
    let url = world.callback(&format!(
        "code={}&installation_id={installation}&setup_action=update&state={state}",
        world.code("olga")
    ));
    let page = olga.arrive(&url).await.expect(200);
    let back = olga.answer(&page, "confirm").await.expect(303);
    let expected = format!("{RETURN_URL}?installation_id={installation}&state={state}&setup_action=update");
    assert_eq!(back.header("location"), expected);
}

#[tokio::test]
async fn under_policy_state_a_visit_without_a_code_goes_on_untied() {
    let world = World::with_policy(ClaimPolicy::State).await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let url = world.callback(&format!("installation_id={installation}&setup_action=install&state={state}"));
    let back = Answer::of(world.http.get(url)).await.expect(302);
    assert!(back.header("location").starts_with(RETURN_URL), "{back:?}");
    // But a visitor who shows that they do not see it is turned away.
    let query = format!("code={}&installation_id={installation}&state={state}", world.code("mallory"));
    assert_eq!(refused(&world, &query).await, "not_visible");
}
