//! Forged and malformed requests to the callback: no state is tied and no browser is redirected elsewhere (L-07 to L-11,
//! L-16 to L-22, L-62).

use dockline::ClaimPolicy;
use reqwest::Url;

use crate::browser::parameter;
use crate::fixture::{Fixture, RETURN_URL, Setup};
use crate::response::Response;

/// Returns the reason of a refusal.
async fn refused(fixture: &Fixture, query: &str) -> String {
    let url = fixture.callback(query);
    let answer = Response::of(fixture.http.get(&url)).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.header("location"), "");
    assert_eq!(answer.header("set-cookie"), "");
    answer.json["error"]["details"]["reason"].as_str().unwrap().to_owned()
}

/// Asserts that the state still works (L-19, I6).
async fn still_works(fixture: &Fixture, installation: u64, state: &str) {
    fixture.browser("olga").connect(installation, state).await;
    fixture.register(&fixture.acme, installation, state).await.expect(201);
}

#[tokio::test]
async fn states_that_cannot_be_used_lead_nowhere() {
    let fixture = Fixture::start().await;
    let code = || fixture.code("olga");
    for (query, reason) in [
        (format!("code={}&installation_id=1", code()), "malformed_state"),
        (format!("code={}&installation_id=1&state=", code()), "malformed_state"),
        (format!("code={}&installation_id=1&state=a%20b", code()), "malformed_state"),
        (format!("code={}&installation_id=1&state=never-issued-to-a-tenant", code()), "unknown_state"),
    ] {
        assert_eq!(refused(&fixture, &query).await, reason, "{query}");
    }
    // L-11: an owner who approves a request arrives without the requester's state, and connects no organization.
    let owner = format!("code={}&installation_id=1&setup_action=install", code());
    assert_eq!(refused(&fixture, &owner).await, "malformed_state");
    let state = fixture.fresh_state(&fixture.acme).await;
    let doubled = format!("code={}&installation_id=1&state={state}&state={state}", code());
    assert_eq!(refused(&fixture, &doubled).await, "malformed_state");
    // Of any doubled parameter, two parsers may read different values.
    for twice in ["code=a1&code=b2", "installation_id=1&installation_id=2", "error=x&error=y"] {
        let doubled = format!("{twice}&state={state}");
        assert_eq!(refused(&fixture, &doubled).await, "duplicate_parameter", "{twice}");
    }
    fixture.clock.advance(time::Duration::minutes(15));
    let late = format!("code={}&installation_id=1&state={state}", code());
    assert_eq!(refused(&fixture, &late).await, "expired_state");
    assert_eq!(
        fixture.github().count_requests("POST", "/login/oauth"),
        0,
        "a bad state never reaches GitHub"
    );
}

#[tokio::test]
async fn a_foreign_installation_with_a_valid_code_is_refused_l_01() {
    let fixture = Fixture::start().await;
    let victims = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.rival).await;
    let query = |id: u64| format!("code={}&installation_id={id}&state={state}", fixture.code("mallory"));
    assert_eq!(refused(&fixture, &query(victims)).await, "not_visible");
    // An unknown installation gets the same bytes, except for its own number in the links.
    let page = |id: u64| {
        let url = fixture.callback(&query(id));
        let fixture = &fixture;
        async move {
            let page = Response::of(fixture.http.get(url).header("accept", "text/html")).await.expect(422);
            page.text.replace(&format!("installation_id={id}&"), "")
        }
    };
    assert_eq!(page(victims).await, page(9_999_999).await);
    assert_eq!(fixture.github().live_user_tokens(), 0, "refused visitors' tokens are revoked as well");
}

#[tokio::test]
async fn a_member_who_sees_the_installation_does_not_administer_it_l_08() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let query = format!("code={}&installation_id={installation}&state={state}", fixture.code("max"));
    assert_eq!(refused(&fixture, &query).await, "not_administered");
    still_works(&fixture, installation, &state).await;
    // Under a weaker policy, the same member suffices.
    let fixture = Fixture::with_policy(ClaimPolicy::Visible).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.browser("max").connect(installation, &state).await;
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
}

#[tokio::test]
async fn without_members_read_an_administrator_of_an_organization_is_only_seen() {
    let app = |app: dockline_github_sim::NewApp| app.with_permissions([("metadata", "read")]);
    let fixture = Fixture::with(Setup { app, ..Setup::default() }).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let query = format!("code={}&installation_id={installation}&state={state}", fixture.code("olga"));
    assert_eq!(refused(&fixture, &query).await, "permission_missing");
}

/// Without a code the visitor is redirected to GitHub's web flow, and no state is tied. A visitor who returns from it
/// without a code is refused.
#[tokio::test]
async fn a_missing_code_is_a_refusal_not_a_skip_l_07() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let page = format!("{}/login/oauth/authorize?client_id={}", fixture.sim.web, fixture.app.client_id);
    let mut flow = String::new();
    for action in ["install", "update", "anything"] {
        let query = format!("installation_id={installation}&setup_action={action}&state={state}");
        let sent = Response::of(fixture.http.get(fixture.callback(&query))).await.expect(302);
        let location = Url::parse(sent.header("location")).unwrap();
        assert!(location.as_str().starts_with(&page), "{location}");
        flow = parameter(&location, "state").unwrap();
        let kept = if action == "install" { "i" } else { "u" };
        assert!(flow.ends_with(&format!("~{installation}~{kept}")), "{flow}");
    }
    let answer = fixture.register(&fixture.acme, installation, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["installationId not_claimable"]);
    assert_eq!(refused(&fixture, &format!("state={flow}")).await, "missing_code");
    let denied = format!("error=access_denied&state={flow}");
    assert_eq!(refused(&fixture, &denied).await, "authorization_denied");
    // The same error during the installation.
    let denied = format!("error=access_denied&installation_id={installation}&state={state}");
    assert_eq!(refused(&fixture, &denied).await, "authorization_denied");
    still_works(&fixture, installation, &state).await;
}

/// A code that GitHub does not accept leads through the web flow once, where GitHub gives the visitor another one.
#[tokio::test]
async fn a_code_is_sent_once_and_a_refused_one_goes_through_the_web_flow_c_18() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let query = format!("code={}&installation_id={installation}&state={state}", fixture.code("olga"));
    olga.arrive(&fixture.callback(&query)).await.expect(200);
    let exchanges = || fixture.github().count_requests("POST", "/login/oauth/access_token");
    assert_eq!(exchanges(), 1);
    // A reload, and the reload of the page that it led to.
    olga.arrive(&fixture.callback(&query)).await.expect(302);
    olga.arrive_through_web_flow(&fixture.callback(&query)).await.expect(200);
    assert_eq!(exchanges(), 2);
    let made_up = format!("code=0123456789abcdef&installation_id={installation}&state={state}");
    let page = olga.arrive_through_web_flow(&fixture.callback(&made_up)).await.expect(200);
    assert_eq!(exchanges(), 4);
    olga.answer(&page, "confirm").await.expect(303);
    // Tied: every page of the visit leads on.
    for query in [&query, &made_up, &format!("state={state}")] {
        let back = olga.arrive(&fixture.callback(query)).await.expect(302);
        assert!(back.header("location").starts_with(RETURN_URL), "{back:?}");
    }
    assert_eq!(exchanges(), 4);
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
}

#[tokio::test]
async fn many_made_up_codes_of_one_state_cost_github_five_requests_c_14() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let visits = (0..60).map(|number| {
        let query = format!("code=madeup{number}&installation_id={installation}&state={state}");
        let request = fixture.http.get(fixture.callback(&query));
        async move { Response::of(request).await.status }
    });
    let statuses = futures_util::future::join_all(visits).await;
    let exchanges = fixture.github().count_requests("POST", "/login/oauth/access_token");
    assert_eq!(exchanges, 5);
    assert_eq!(statuses.iter().filter(|status| **status == 302).count(), 5, "{statuses:?}");
    let late = format!("code={}&installation_id={installation}&state={state}", fixture.code("olga"));
    assert_eq!(refused(&fixture, &late).await, "revoked_state");
}

#[tokio::test]
async fn malformed_codes_never_leave_the_process_c_14() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    for code in ["", "%20", "a%0Ab", "a~b", "%C3%A9", &"x".repeat(257), &"x".repeat(7_000)] {
        let query = format!("code={code}&installation_id={installation}&state={state}");
        assert_eq!(refused(&fixture, &query).await, "malformed_code", "{code}");
    }
    assert_eq!(fixture.github().count_requests("POST", "/login/oauth/access_token"), 0);
    still_works(&fixture, installation, &state).await;
}

#[tokio::test]
async fn a_state_tied_to_one_installation_takes_no_other() {
    let fixture = Fixture::start().await;
    let first = fixture.installed("acme-coffee", "olga");
    let second = fixture.installed("olga", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.browser("olga").connect(first, &state).await;
    let query = format!("code={}&installation_id={second}&state={state}", fixture.code("olga"));
    assert_eq!(refused(&fixture, &query).await, "tied_to_another");
    let answer = fixture.register(&fixture.acme, second, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["installationId not_claimable"]);
    fixture.register(&fixture.acme, first, &state).await.expect(201);
}

#[tokio::test]
async fn an_installation_id_is_a_plain_number() {
    let fixture = Fixture::start().await;
    let state = fixture.fresh_state(&fixture.acme).await;
    for id in ["", "0", "-1", "%2B1", "1.0", "1e3", "9007199254740992", "abc"] {
        let query = format!("code={}&installation_id={id}&state={state}", fixture.code("olga"));
        assert_eq!(refused(&fixture, &query).await, "malformed_installation", "{id}");
    }
}

#[tokio::test]
async fn an_enterprise_and_an_account_that_github_does_not_name_are_refused_with_the_reason() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let enterprise = fixture.installed("acme-holding", "olga");
    let accountless = fixture.installed("olga", "olga");
    fixture.github().null_account(accountless).unwrap();
    for id in [enterprise, accountless] {
        let state = fixture.fresh_state(&fixture.acme).await;
        let answer = fixture.register(&fixture.acme, id, &state).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), ["installationId not_claimable"]);
        assert!(fixture.events.recorded().iter().any(|event| matches!(
            event,
            dockline::ports::Event::Refused { reason: dockline::RefusalReason::UnbindableAccount, installation, .. }
                if installation.get() == id
        )));
    }
}

#[tokio::test]
async fn a_request_to_the_owners_is_passed_to_the_product_and_ties_nothing_l_62() {
    let fixture = Fixture::start().await;
    let state = fixture.fresh_state(&fixture.acme).await;
    let max = fixture.browser("max");
    let back =
        max.arrive(&fixture.callback(&format!("setup_action=request&state={state}"))).await.expect(302);
    assert_eq!(back.header("location"), format!("{RETURN_URL}?state={state}&setup_action=request"));
    let installation = fixture.installed("acme-coffee", "olga");
    fixture.register(&fixture.acme, installation, &state).await.expect_error(422, "VALIDATION");
    still_works(&fixture, installation, &state).await;
}

#[tokio::test]
async fn an_update_of_an_installation_is_proven_like_any_other_l_61() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let url = fixture.callback(&format!(
        "code={}&installation_id={installation}&setup_action=update&state={state}",
        fixture.code("olga")
    ));
    let page = olga.arrive(&url).await.expect(200);
    let back = olga.answer(&page, "confirm").await.expect(303);
    let expected = format!("{RETURN_URL}?installation_id={installation}&state={state}&setup_action=update");
    assert_eq!(back.header("location"), expected);
}

#[tokio::test]
async fn under_policy_state_a_visit_without_a_code_goes_on_untied() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let url = fixture.callback(&format!("installation_id={installation}&setup_action=install&state={state}"));
    let back = Response::of(fixture.http.get(url)).await.expect(302);
    assert!(back.header("location").starts_with(RETURN_URL), "{back:?}");
    // A visitor whose code shows that they do not see it is refused.
    let query = format!("code={}&installation_id={installation}&state={state}", fixture.code("mallory"));
    assert_eq!(refused(&fixture, &query).await, "not_visible");
}
