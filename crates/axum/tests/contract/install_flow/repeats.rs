//! The browser flow is repeatable, has a way out of every page, and a limit per address (I34, I36, L-71, L-75).

use std::collections::BTreeSet;

use dockline_axum::RouterOptions;
use reqwest::{Method, Url};

use crate::browser::parameter;
use crate::fixture::{Fixture, RETURN_URL, Setup};
use crate::response::Response;

/// The targets of the page's links, by their ids.
fn link<'a>(page: &'a Response, id: &str) -> Option<&'a str> {
    let start = format!("<a id=\"{id}\" href=\"");
    page.text.split_once(&start)?.1.split_once('"').map(|(target, _)| target)
}

#[tokio::test]
async fn head_and_prefetch_look_nothing_up_c_18() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let query = format!(
        "code={}&installation_id={installation}&setup_action=install&state={state}",
        fixture.code("olga")
    );
    let url = fixture.callback(&query);
    let head = Response::of(fixture.http.request(Method::HEAD, &url)).await.expect(200);
    assert_eq!(head.header("cache-control"), "no-store");
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("purpose", "Prefetch"),
    ] {
        let answer = fixture.http.get(&url).header(name, value).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 503, "{name}: {value}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert!(answer.headers().get("set-cookie").is_none());
        assert_eq!(answer.text().await.unwrap(), "", "{name}: {value}");
    }
    assert_eq!(fixture.github().count_requests("POST", "/login/oauth/access_token"), 0);
    // The visitor comes, and the code is still unused.
    fixture.browser("olga").arrive(&url).await.expect(200);
}

#[tokio::test]
async fn a_cookie_of_a_neighbour_that_is_no_text_loses_only_itself_c_21() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let page = olga.arrive_with(installation, &state).await.expect(200);
    let name = olga.cookies("__Host-dockline-visit-").pop().unwrap();
    let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with(&name));
    let field = |name: &str| {
        let start = format!("name=\"{name}\" value=\"");
        page.text.split_once(&start).unwrap().1.split_once('"').unwrap().0.to_owned()
    };
    let form = format!("state={}&ticket={}&answer=confirm", field("state"), field("ticket"));
    let octets = [b"theme=\xe9t\xe9\xff; ".as_slice(), cookie.as_bytes(), b"; other=\xf0"].concat();
    let request = fixture
        .http
        .post(fixture.callback_url())
        // A neighbour of the media type, too.
        .header("accept", reqwest::header::HeaderValue::from_bytes(b"text/html, \xff").unwrap())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", reqwest::header::HeaderValue::from_bytes(&octets).unwrap())
        .body(form);
    let back = Response::of(request).await.expect(303);
    assert!(back.header("location").starts_with(RETURN_URL), "{back:?}");
}

/// The App is installed already, and GitHub sends the visitor without an installation.
#[tokio::test]
async fn a_visitor_without_an_installation_chooses_one_c_22() {
    let fixture = Fixture::start().await;
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let start = fixture.callback(&format!("state={state}"));
    let none = olga.arrive_through_web_flow(&start).await.expect(200);
    let install = format!("{}/apps/dockline-test/installations/new?state={state}", fixture.sim.web);
    assert_eq!(link(&none, "install"), Some(&*install), "{}", none.text);
    assert!(none.text.contains("sees no installation"), "{}", none.text);

    let first = fixture.installed("acme-coffee", "olga");
    let only = olga.arrive_through_web_flow(&start).await.expect(200);
    assert!(only.text.contains("name=\"ticket\""), "{}", only.text);

    let second = fixture.installed("olga", "olga");
    let choice = olga.arrive_through_web_flow(&start).await.expect(200);
    for (id, login) in [(first, "acme-coffee"), (second, "olga")] {
        let option = format!("callback?state={state}&amp;installation_id={id}\"><bdi>{login}</bdi>");
        assert!(choice.text.contains(&option), "{option}: {}", choice.text);
    }
    let other = format!("callback?state={state}&amp;prompt=select_account");
    assert_eq!(link(&choice, "other-account"), Some(&*other));
    let policy = choice.header("content-security-policy");
    assert!(policy.contains("form-action 'none'"), "{policy}");
    let chosen = fixture.callback(&format!("state={state}&installation_id={first}"));
    let page = olga.arrive_through_web_flow(&chosen).await.expect(200);
    olga.answer(&page, "confirm").await.expect(303);
    fixture.register(&fixture.acme, first, &state).await.expect(201);
}

/// The person at the wrong account is no dead end.
#[tokio::test]
async fn another_account_can_be_used_c_23() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let mallory = fixture.browser("mallory");
    let page = mallory.arrive_with(installation, &state).await.expect(422);
    let other = link(&page, "other-account").unwrap().replace("&amp;", "&");
    let url = fixture.callback(other.strip_prefix("callback?").unwrap());
    let sent = mallory.arrive(&url).await.expect(302);
    assert!(sent.header("location").ends_with("&prompt=select_account"), "{sent:?}");
    // GitHub asks which account to use, and the visitor signs in as olga.
    let chooser = fixture.github_redirect("mallory", sent.header("location")).await;
    let chooser = Url::parse(&format!("{}{chooser}", fixture.sim.web)).unwrap();
    let chosen = format!("{}{}", fixture.sim.web, parameter(&chooser, "return_to").unwrap());
    let back = fixture.github_redirect("olga", &chosen).await;
    let page = mallory.arrive(&back).await.expect(200);
    mallory.answer(&page, "confirm").await.expect(303);
}

#[tokio::test]
async fn refusal_pages_lead_back_to_the_product_with_an_error_c_24() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let back = |error: &str| format!("{RETURN_URL}?error={error}&amp;state={state}");
    let mut texts = BTreeSet::new();
    for (query, error, links) in [
        ("error=access_denied", "access_denied", &["again", "back"][..]),
        ("code=a%20b", "not_permitted", &["again", "back"]),
        ("code=a1&code=a2", "not_permitted", &["again", "back"]),
    ] {
        let url = fixture.callback(&format!("{query}&installation_id={installation}&state={state}"));
        let page = olga.arrive(&url).await.expect(422);
        assert_eq!(link(&page, "back"), Some(&*back(error)), "{query}");
        for id in ["again", "other-account", "single-sign-on", "back"] {
            assert_eq!(link(&page, id).is_some(), links.contains(&id), "{query}: {id}");
        }
        assert!(texts.insert(page.text), "{query}: the text of another refusal");
    }
    let query = format!("code={}&installation_id={installation}&state={state}", fixture.code("max"));
    let member = olga.arrive(&fixture.callback(&query)).await.expect(422);
    assert_eq!(link(&member, "back"), Some(&*back("not_permitted")));
    assert!(link(&member, "other-account").is_some());
    // Failures lead back as well.
    let broken = dockline_github_sim::Fault::Status { code: 502 };
    fixture.github().set_fault(dockline_github_sim::FaultRule::new(broken).times(1));
    let failed = olga.arrive_with(installation, &state).await.expect(502);
    assert_eq!(link(&failed, "back"), Some(&*back("server_error")));
    fixture.clock.advance(time::Duration::minutes(15));
    let expired = olga.arrive_with(installation, &state).await.expect(422);
    assert_eq!(link(&expired, "back"), Some(&*back("not_permitted")));
    assert_eq!(link(&expired, "again"), None);
}

/// A browser that keeps no cookies is not sent in circles.
#[tokio::test]
async fn without_cookies_the_web_flow_ends_with_a_page_that_says_so() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    let mut answer =
        olga.arrive(&fixture.callback(&format!("installation_id={installation}&state={state}"))).await;
    for _ in 0..2 {
        let location = answer.expect(302).header("location").to_owned();
        olga.clear_cookies();
        let back = fixture.github_redirect("olga", &location).await;
        answer = olga.arrive(&back).await;
    }
    let page = answer.expect(422);
    assert!(page.text.contains("did not keep the cookie"), "{}", page.text);
    assert_eq!(fixture.github().count_requests("POST", "/login/oauth/access_token"), 0);
    // A forged cookie has not the form of a verifier.
    let again = link(&page, "again").unwrap().replace("&amp;", "&");
    let sent = olga.arrive(&fixture.callback(again.strip_prefix("callback?").unwrap())).await.expect(302);
    let name = olga.cookies("__Host-dockline-flow-").pop().unwrap();
    olga.set_cookie(&name, "short");
    let back = fixture.github_redirect("olga", sent.header("location")).await;
    olga.arrive_through_web_flow(&back).await.expect(200);
}

#[tokio::test]
async fn many_visits_leave_few_cookies() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let olga = fixture.browser("olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let start = fixture.callback(&format!("installation_id={installation}&state={state}"));
    for _ in 0..12 {
        olga.arrive_through_web_flow(&start).await.expect(200);
    }
    assert_eq!(olga.cookies("__Host-dockline-visit-").len(), 8);
    assert_eq!(olga.cookies("__Host-dockline-flow-").len(), 8);
}

#[tokio::test]
async fn an_own_state_that_looks_like_the_web_flows_is_looked_up_whole_c_47() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = format!("an-own-long-enough-state~1abcdefghijklmnop~{installation}~u");
    fixture.start_install(&fixture.acme, &state).await.expect(200);
    fixture.browser("olga").connect(installation, &state).await;
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
}

#[tokio::test]
async fn a_return_url_with_a_parameter_of_ours_is_refused_c_16() {
    let fixture = Fixture::start().await;
    for name in ["installation_id", "state", "setup_action", "error", "STATE", "st%2561te"] {
        let path = format!("{}?returnUrl={RETURN_URL}%3Fa=b%26{name}=x", crate::fixture::INSTALL_URL);
        let answer = fixture.get(&fixture.acme, &path).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), ["returnUrl malformed"], "{name}");
    }
    let path = format!("{}?returnUrl={RETURN_URL}%3Ftab=git", crate::fixture::INSTALL_URL);
    fixture.get(&fixture.acme, &path).await.expect(200);
}

#[tokio::test]
async fn the_web_flow_returns_to_the_configured_callback_c_27() {
    let options = |options: RouterOptions| options.with_public_url("https://api.example.com");
    let fixture = Fixture::with(Setup { options, ..Setup::default() }).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let query = format!("installation_id={installation}&state={state}");
    let forged = fixture.http.get(fixture.callback(&query)).header("x-forwarded-host", "evil.test");
    let sent = Response::of(forged).await.expect(302);
    let expected = "&redirect_uri=https%3A%2F%2Fapi.example.com%2Fv1%2Fgithub%2Finstallation%2Fcallback";
    assert!(sent.header("location").ends_with(expected), "{sent:?}");
}
