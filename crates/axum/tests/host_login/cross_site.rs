//! What a page of another site can make a browser send.

use std::sync::atomic::Ordering;

use dockline::ExposeSecret;
use dockline_axum::RouterOptions;
use dockline_testkit::fixtures;

use crate::host::{Host, INSTALL_URL, INSTALLATION, OWN, Sessions, send};

/// Requests that a page of another site makes a browser send have no effect and do not reach the login.
#[tokio::test]
async fn cross_site_requests_with_an_ambient_credential_are_rejected_i_40() {
    let host = Host::start(Sessions::default());
    let known = format!("{INSTALL_URL}&state=known-to-the-attacker");
    let post = r#"{"installationId":7001,"state":"known-to-the-attacker"}"#;
    for (method, path) in [
        ("GET", &*known),
        ("GET", INSTALL_URL),
        ("GET", INSTALLATION),
        ("HEAD", INSTALL_URL),
        ("POST", INSTALLATION),
        ("DELETE", INSTALLATION),
        ("GET", "/v1/github/repos"),
    ] {
        for site in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example.com")],
            &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
            &[("origin", "https://evil.test")],
            &[("origin", "null")],
            &[],
        ] {
            let headers =
                [&[("cookie", "session=ann@org_acme"), ("content-type", "text/plain")], site].concat();
            let answer = send(&host.router, method, path, &headers, post).await;
            let code = if method == "HEAD" { "" } else { "CROSS_SITE_REQUEST" };
            let answer = answer.expect(403, code);
            assert_eq!(answer.header("x-ratelimit-limit"), "", "nothing is charged");
            assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
        }
    }
    assert_eq!(host.sessions.asked.load(Ordering::Relaxed), 0);
    assert!(host.events.0.lock().unwrap().is_empty());
    // The state was not issued: the attacker's own organization can still use it.
    let own = [OWN, ("cookie", "session=ann@org_acme"), ("content-type", "application/json")];
    send(&host.router, "POST", INSTALLATION, &own, post).await.expect(422, "VALIDATION");
}

#[tokio::test]
async fn a_browser_without_fetch_metadata_is_accepted_from_a_listed_origin_only() {
    let listed = |options: RouterOptions| options.with_allowed_origins(["https://app.example.com"]);
    let host = Host::with(Sessions::default(), false, listed);
    let cookie = ("cookie", "session=ann@org_acme");
    host.get(INSTALL_URL, &[cookie, ("origin", "https://app.example.com")]).await.expect(200, "");
    for origin in ["https://app.example.com:8443", "https://evil.test", "null"] {
        host.get(INSTALL_URL, &[cookie, ("origin", origin)]).await.expect(403, "CROSS_SITE_REQUEST");
    }
}

#[tokio::test]
async fn a_credential_that_a_script_must_add_is_not_ambient() {
    let host = Host::start(Sessions { bearer: true, ..Sessions::default() });
    host.get(INSTALL_URL, &[("cookie", "session=ann@org_acme")]).await.expect(200, "");
}

/// An own state would let the author of a link choose the installation of the visitor's organization.
#[tokio::test]
async fn an_own_state_is_for_api_keys_only() {
    let host = Host::with(Sessions::default(), true, |options| options);
    let path = format!("{INSTALL_URL}&state=0123456789abcdef");
    let refused = host.own("GET", &path, "ann@org_acme", "").await.expect(422, "VALIDATION");
    let issues = &refused.json["error"]["details"]["issues"];
    assert_eq!((&issues[0]["path"], issues.as_array().unwrap().len()), (&"state".into(), 1), "{issues}");
    let (key, mut record) = fixtures::key_of("org_acme", 1);
    record.return_hosts = vec!["app.example.com".into()];
    host.keys.put(record);
    let bearer = format!("Bearer {}", key.expose().expose_secret());
    let made = host.get(&path, &[("authorization", &bearer)]).await.expect(200, "");
    assert_eq!(made.json["state"], "0123456789abcdef");
    host.get("/v1/whoami", &[("authorization", &bearer)]).await.expect(200, "");
    host.own("GET", "/v1/whoami", "ann@org_acme", "").await.expect(404, "NOT_FOUND");
    // A session does not replace a wrong key.
    let wrong = [OWN, ("cookie", "session=ann@org_acme"), ("authorization", "Bearer lp_live_nonsense")];
    host.get(INSTALLATION, &wrong).await.expect(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn no_preflight_of_another_site_is_answered() {
    let host = Host::start(Sessions::default());
    let asked = [("origin", "https://evil.test"), ("access-control-request-method", "POST")];
    let answer =
        send(&host.router, "OPTIONS", INSTALLATION, &asked, "").await.expect(405, "METHOD_NOT_ALLOWED");
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
}
