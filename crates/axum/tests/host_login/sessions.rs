//! The user of the host's session: actor, organizations, errors of the login, budgets.

use std::num::NonZeroU32;

use dockline::ports::BindingRepo;
use dockline::{OrganizationId, Tier};
use dockline_axum::{AuthFailureLimit, RouterOptions};

use crate::host::{Host, INSTALL_URL, INSTALLATION, OWN, Sessions};

#[tokio::test]
async fn a_signed_in_user_registers_without_any_key_and_is_recorded_as_the_actor() {
    let host = Host::start(Sessions::default());
    host.own("GET", INSTALLATION, "ann@org_acme", "").await.expect(404, "NOT_FOUND");
    let link = host.own("GET", INSTALL_URL, "ann@org_acme", "").await.expect(200, "");
    let body = format!(r#"{{"installationId":7001,"state":{}}}"#, link.json["state"]);
    let made = host.own("POST", INSTALLATION, "ann@org_acme", &body).await.expect(201, "");
    assert_eq!(made.json["orgLogin"], "acme-coffee");
    let other = body.replace("7001", "7002");
    host.own("POST", INSTALLATION, "bob@org_acme", &other).await.expect(409, "CONFLICT");
    let bound = host.bindings.find(&OrganizationId::new("org_acme").unwrap()).await.unwrap().unwrap();
    assert_eq!(bound.actor.as_str(), "ann");
    host.own("DELETE", INSTALLATION, "carla@org_acme", "").await.expect(204, "");
    host.own("DELETE", INSTALLATION, "carla@org_acme", "").await.expect(404, "NOT_FOUND");
    let events = host.events.0.lock().unwrap();
    let actors: Vec<_> = events
        .iter()
        .map(|event| serde_json::to_value(event).unwrap())
        .map(|event| format!("{} {}", event["event"], event["actor"]).replace('"', ""))
        .collect();
    assert_eq!(actors, ["registered ann", "conflicted bob", "detached carla"]);
}

/// The login separates organizations as keys do.
#[tokio::test]
async fn another_organizations_user_sees_nothing_and_cannot_use_its_state() {
    let host = Host::start(Sessions::default());
    let link = host.own("GET", INSTALL_URL, "ann@org_acme", "").await.expect(200, "");
    let body = format!(r#"{{"installationId":7001,"state":{}}}"#, link.json["state"]);
    host.own("POST", INSTALLATION, "rita@org_rival", &body).await.expect(422, "VALIDATION");
    host.own("POST", INSTALLATION, "ann@org_acme", &body).await.expect(201, "");
    host.own("GET", INSTALLATION, "rita@org_rival", "").await.expect(404, "NOT_FOUND");
}

#[tokio::test(start_paused = true)]
async fn each_error_of_the_login_has_its_response() {
    let host = Host::start(Sessions::default());
    let stranger = host.get(INSTALLATION, &[OWN]).await.expect(401, "UNAUTHENTICATED");
    assert_eq!(stranger.header("www-authenticate"), "Session");
    host.own("GET", INSTALLATION, "reader@org_acme", "").await.expect(403, "FORBIDDEN_SCOPE");
    let busy = host.own("GET", INSTALLATION, "busy@org_acme", "").await.expect(429, "RATE_LIMITED");
    assert_eq!(busy.header("retry-after"), "3");
    for user in ["down@org_acme", "slow@org_acme"] {
        let down = host.own("GET", INSTALLATION, user, "").await.expect(503, "UNAVAILABLE");
        assert_eq!(down.header("retry-after"), "1", "{user}");
    }
    let bug = host.own("GET", INSTALLATION, "bug@org_acme", "").await.expect(500, "INTERNAL");
    assert!(!bug.json.to_string().contains("canary"), "{bug:?}");
    assert!(bug.header("x-request-id").starts_with("req_"));
}

#[tokio::test]
async fn users_of_an_organization_share_the_standard_budget() {
    let host = Host::start(Sessions::default());
    let limit = Tier::standard().reads_per_minute;
    for number in 0..limit {
        let user = if number % 2 == 0 { "ann@org_acme" } else { "bob@org_acme" };
        let answer = host.own("GET", INSTALLATION, user, "").await.expect(404, "NOT_FOUND");
        assert_eq!(answer.header("x-ratelimit-limit"), limit.to_string());
    }
    let over = host.own("GET", INSTALLATION, "ann@org_acme", "").await.expect(429, "RATE_LIMITED");
    assert!(over.header("retry-after").parse::<u32>().unwrap() >= 1);
    host.own("GET", INSTALLATION, "rita@org_rival", "").await.expect(404, "NOT_FOUND");
}

#[tokio::test]
async fn without_a_budget_there_are_no_rate_headers_and_no_limit() {
    let host = Host::start(Sessions { without_budget: true, ..Sessions::default() });
    for _ in 0..Tier::standard().reads_per_minute + 5 {
        let answer = host.own("GET", INSTALLATION, "ann@org_acme", "").await.expect(404, "NOT_FOUND");
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("x-ratelimit")));
    }
}

#[tokio::test]
async fn a_selector_of_another_organization_is_a_403() {
    let host = Host::start(Sessions::default());
    for (selected, status, code) in
        [("org_acme", 404, "NOT_FOUND"), ("org_child", 403, "FORBIDDEN_SCOPE"), ("", 403, "FORBIDDEN_SCOPE")]
    {
        let headers = [OWN, ("cookie", "session=ann@org_acme"), ("x-layers-organization", selected)];
        host.get(INSTALLATION, &headers).await.expect(status, code);
        let (status, code) = if status == 404 { (200, "") } else { (403, code) };
        host.get(INSTALL_URL, &headers).await.expect(status, code);
    }
}

/// The host counts failures of its own login itself; only failed keys count against a client address.
#[tokio::test]
async fn failed_logins_do_not_count_against_the_address() {
    let limit = |options: RouterOptions| {
        options.with_auth_failure_limit(AuthFailureLimit::per_minute(NonZeroU32::new(2).unwrap()))
    };
    let host = Host::with(Sessions::default(), true, limit);
    for _ in 0..5 {
        host.get(INSTALLATION, &[OWN]).await.expect(401, "UNAUTHENTICATED");
    }
    for expected in [401, 401, 429] {
        let answer = host.get(INSTALLATION, &[("authorization", "Bearer lp_live_wrong")]).await;
        assert_eq!(answer.status, expected);
    }
    host.get(INSTALLATION, &[OWN]).await.expect(401, "UNAUTHENTICATED");
}
