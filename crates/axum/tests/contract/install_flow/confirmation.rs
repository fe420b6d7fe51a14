//! A stranger's link sent to an administrator (L-67, I2): a state is tied only by Confirm, from the browser that shows the
//! confirmation page, with its ticket.

use std::collections::BTreeMap;

use dockline_axum::{Pages, PlainPages, RouterOptions};
use dockline_github_sim::{Fault, FaultRule};

use crate::fixture::{Fixture, RETURN_URL, Setup, Tenant};
use crate::response::Response;

/// Asserts that the state is not tied.
async fn assert_not_tied(fixture: &Fixture, tenant: &Tenant, installation: u64, state: &str) {
    let answer = fixture.register(tenant, installation, state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["installationId not_claimable"]);
}

#[tokio::test]
async fn the_page_names_the_organization_and_ties_nothing_without_an_answer() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    // Mallory's organization sends its install link to olga, who opens it.
    let state = fixture.fresh_state(&fixture.rival).await;
    let page = fixture.browser("olga").arrive_with(installation, &state).await.expect(200);
    assert!(page.text.contains("Rival Roasters"), "{}", page.text);
    assert!(page.text.contains("acme-coffee"), "{}", page.text);
    assert_not_tied(&fixture, &fixture.rival, installation, &state).await;
}

#[tokio::test]
async fn an_answer_from_another_browser_ties_nothing() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.rival).await;
    let page = fixture.browser("olga").arrive_with(installation, &state).await.expect(200);
    // Mallory knows olga's page with its ticket, but has no cookie, or her own.
    let mallory = fixture.browser("mallory");
    mallory.answer(&page, "confirm").await.expect(422);
    let own_installation = fixture.installed("mallory-inc", "mallory");
    let own_state = fixture.fresh_state(&fixture.rival).await;
    mallory.arrive_with(own_installation, &own_state).await.expect(200);
    mallory.answer(&page, "confirm").await.expect(422);
    assert_not_tied(&fixture, &fixture.rival, installation, &state).await;
}

/// A double click, a reload of the form's answer: the second answer gets the redirect of the first (L-76, I34).
#[tokio::test]
async fn second_confirm_with_same_ticket_redirects_again_c_19() {
    for (first, second) in [("confirm", "confirm"), ("confirm", "cancel"), ("cancel", "confirm")] {
        let fixture = Fixture::start().await;
        let installation = fixture.installed("acme-coffee", "olga");
        let state = fixture.fresh_state(&fixture.acme).await;
        let olga = fixture.browser("olga");
        let page = olga.arrive_with(installation, &state).await.expect(200);
        let (one, two) = tokio::join!(olga.answer(&page, first), olga.answer(&page, first));
        let late = olga.answer(&page, second).await.expect(303);
        for again in [one.expect(303), two.expect(303)] {
            assert_eq!(again.header("location"), late.header("location"), "{first}, {second}");
        }
        let mallory = fixture.browser("mallory");
        mallory.answer(&page, first).await.expect(422);
        let registered = fixture.register(&fixture.acme, installation, &state).await;
        registered.expect(if first == "confirm" { 201 } else { 422 });
    }
}

/// Several tabs of one browser, each with its own question and cookie (L-77).
#[tokio::test]
async fn questions_in_two_tabs_can_both_be_answered_c_20() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let olga = fixture.browser("olga");
    let mut pages = Vec::new();
    for tenant in [&fixture.acme, &fixture.rival] {
        let state = fixture.fresh_state(tenant).await;
        pages.push(olga.arrive_with(installation, &state).await.expect(200));
        // The same link in another tab.
        pages.push(olga.arrive_with(installation, &state).await.expect(200));
    }
    assert_eq!(olga.cookies("__Host-dockline-visit-").len(), 4);
    for page in &pages {
        olga.answer(page, "confirm").await.expect(303);
    }
}

/// A fifth question of one state replaces the first, whose page then leads back to the product.
#[tokio::test]
async fn the_page_of_a_replaced_question_leads_back() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let first = olga.arrive_with(installation, &state).await.expect(200);
    for _ in 0..4 {
        olga.arrive_with(installation, &state).await.expect(200);
    }
    let refused = olga.answer(&first, "confirm").await.expect(422);
    assert!(refused.text.contains("later visits replaced it"), "{}", refused.text);
    let back = format!("href=\"{RETURN_URL}?error=not_permitted&amp;state={state}\"");
    assert!(refused.text.contains(&back), "{}", refused.text);
    assert_not_tied(&fixture, &fixture.acme, installation, &state).await;
}

/// The question says what the tenant cannot choose (L-82), and what to do if the visitor did not ask for it.
#[tokio::test]
async fn the_question_names_who_asks_and_where_it_leads_c_15() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let page = fixture.browser("olga").arrive_with(installation, &state).await.expect(200);
    for named in [
        "<bdi>acme-coffee</bdi>",
        "<bdi>Acme Coffee</bdi>",
        "<bdi id=\"organization-id\">org_acme</bdi>",
        "<bdi id=\"actor\">key:",
        "<bdi id=\"return-host\">app.example.com</bdi>",
        "If you did not start this yourself a moment ago, cancel.",
        "animation:hold 1s",
        "@keyframes hold{from,to{pointer-events:none}}",
    ] {
        assert!(page.text.contains(named), "{named}: {}", page.text);
    }
}

#[tokio::test]
async fn cancel_uses_the_state_up() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let page = olga.arrive_with(installation, &state).await.expect(200);
    let back = olga.answer(&page, "cancel").await.expect(303);
    assert_eq!(back.header("location"), format!("{RETURN_URL}?error=access_denied&state={state}"));
    let answer = fixture.register(&fixture.acme, installation, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["state not_claimable"]);
    olga.arrive_with(installation, &state).await.expect(422);
    // It cannot be issued again.
    fixture.start_install(&fixture.acme, &state).await.expect_error(422, "VALIDATION");
}

/// The cookie does not replace state or ticket (L-23).
#[tokio::test]
async fn only_confirm_and_cancel_are_accepted_and_no_late_answer() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let page = olga.arrive_with(installation, &state).await.expect(200);
    for answer in ["", "yes", "confirm&answer=cancel"] {
        olga.answer(&page, answer).await.expect(422);
    }
    let stateless = Response { text: page.text.replace(&state, ""), ..page };
    olga.answer(&stateless, "confirm").await.expect(422);
    let page = olga.arrive_with(installation, &state).await.expect(200);
    fixture.clock.advance(time::Duration::minutes(15));
    let late = olga.answer(&page, "confirm").await.expect(422);
    assert!(late.text.contains("expired"), "{}", late.text);
}

/// The headers of a response, without those of the transport and the request id.
fn headers(response: &Response) -> BTreeMap<&str, &str> {
    let headers = response.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    headers.filter(|(name, _)| !["content-length", "date", "x-request-id"].contains(name)).collect()
}

/// The headers of a page whose forms may go to `form_action`, and `more`.
fn page_headers<'a>(policy: &'a str, more: &[(&'a str, &'a str)]) -> BTreeMap<&'a str, &'a str> {
    let fixed = [
        ("cache-control", "no-store"),
        ("content-security-policy", policy),
        ("content-type", "text/html; charset=utf-8"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ];
    fixed.iter().chain(more).copied().collect()
}

fn policy(form_action: &str) -> String {
    let style = PlainPages.content_sources().to_owned();
    format!("default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action {form_action}; {style}")
}

#[tokio::test]
async fn the_confirmation_page_has_exactly_these_headers_and_a_host_cookie() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.clock.advance(time::Duration::minutes(2));
    let olga = fixture.browser("olga");
    let page = olga.arrive_with(installation, &state).await.expect(200);
    let cookie = page.header("set-cookie");
    let name = olga.cookies("__Host-dockline-visit-").pop().unwrap();
    // Named by the ticket's digest.
    let ticket = page.text.split_once("name=\"ticket\" value=\"").unwrap().1.split('"').next().unwrap();
    assert_eq!(name, dockline::Ticket::presented(ticket).cookie_name("__Host-dockline-visit"));
    let secret = cookie.strip_prefix(&format!("{name}=")).unwrap().split(';').next().unwrap();
    assert!(secret.len() >= 32, "{cookie}");
    // The cookie lives as long as the state: 15 minutes from its creation, two of which have passed.
    let attributes = "HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=780";
    let expected = format!("{name}={secret}; {attributes}");
    assert_eq!(headers(&page), page_headers(&policy("'self' https:"), &[("set-cookie", &*expected)]));
    assert!(page.text.contains("<html lang=\"en\">") && page.text.contains("<main>"), "{}", page.text);

    let back = olga.answer(&page, "confirm").await.expect(303);
    let location = format!("{RETURN_URL}?installation_id={installation}&state={state}&setup_action=install");
    let expected =
        [("cache-control", "no-store"), ("location", &*location), ("referrer-policy", "no-referrer")];
    assert_eq!(headers(&back), expected.into());
}

#[tokio::test]
async fn a_refusal_page_has_exactly_these_headers() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let policy = policy("'none'");
    let unknown = olga.arrive(&fixture.callback("state=never-issued-to-a-tenant")).await.expect(422);
    assert_eq!(headers(&unknown), page_headers(&policy, &[]));
    // A rejected answer keeps the cookie, so that the open page can still be used.
    let page = olga.arrive_with(installation, &state).await.expect(200);
    let rejected = olga.answer(&page, "maybe").await.expect(422);
    assert_eq!(headers(&rejected), page_headers(&policy, &[]));
    let limit = Fault::SecondaryRateLimit { retry_after: Some(17), status: 429 };
    fixture.github().set_fault(FaultRule::new(limit).times(1));
    let limited = olga.arrive_with(installation, &state).await.expect(503);
    assert_eq!(headers(&limited), page_headers(&policy, &[("retry-after", "17")]));
}

/// Without a code, or with a request to the owners, there is no page.
#[tokio::test]
async fn redirects_of_the_callback_have_exactly_these_headers() {
    let options = |options: RouterOptions| options.with_public_url("https://api.example.com/base/");
    let fixture = Fixture::with(Setup { options, ..Setup::default() }).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let requested = fixture.callback(&format!("setup_action=request&state={state}"));
    let requested = olga.arrive(&requested).await.expect(302);
    let location = format!("{RETURN_URL}?state={state}&setup_action=request");
    let expected =
        [("cache-control", "no-store"), ("location", &*location), ("referrer-policy", "no-referrer")];
    assert_eq!(headers(&requested), expected.into());
    assert_eq!(requested.text, "");

    let query = format!("installation_id={installation}&setup_action=install&state={state}");
    let web_flow = olga.arrive(&fixture.callback(&query)).await.expect(302);
    let name = olga.cookies("__Host-dockline-flow-").pop().unwrap();
    let nonce = name.strip_prefix("__Host-dockline-flow-").unwrap();
    let cookie = web_flow.header("set-cookie");
    let verifier = cookie.strip_prefix(&format!("{name}=")).unwrap().split(';').next().unwrap();
    assert_eq!((nonce.len(), verifier.len()), (17, 43));
    let challenge = dockline::CodeVerifier::presented(verifier).challenge();
    let location = format!(
        "{}/login/oauth/authorize?client_id={}&state={state}~{nonce}~{installation}~i&code_challenge={challenge}\
         &code_challenge_method=S256\
         &redirect_uri=https%3A%2F%2Fapi.example.com%2Fbase%2Fv1%2Fgithub%2Finstallation%2Fcallback",
        fixture.sim.web, fixture.app.client_id
    );
    let cookie = format!("{name}={verifier}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600");
    let expected = [
        ("cache-control", "no-store"),
        ("location", &*location),
        ("referrer-policy", "no-referrer"),
        ("set-cookie", &*cookie),
    ];
    assert_eq!(headers(&web_flow), expected.into());
    assert_eq!(web_flow.text, "");
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_program_gets_json() {
    let fixture = Fixture::start().await;
    let url = fixture.callback("state=never-issued-to-a-tenant");
    let page = Response::of(fixture.http.get(&url).header("accept", "text/html")).await.expect(422);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(page.text.contains("This link is not valid"), "{}", page.text);
    Response::of(fixture.http.get(&url)).await.expect_error(422, "VALIDATION");
}

#[tokio::test]
async fn without_confirmation_the_visit_ties_the_state() {
    let fixture = Fixture::with(Setup { confirmation: false, ..Setup::default() }).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let back = fixture.browser("olga").arrive_with(installation, &state).await.expect(302);
    assert!(back.header("location").starts_with(RETURN_URL), "{back:?}");
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
}
