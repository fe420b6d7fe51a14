//! Refusals of GitHub's for one organization, installation, user or App.

use crate::support::{CALLBACK, Fixture, status_and_body};
use dockline_github_sim::{Fault, FaultRule, NewApp};
use reqwest::{Method, Response};
use serde_json::{Value, json};

const MINT: &str = "/api/v3/app/installations/{id}/access_tokens";
const LOOKUP: &str = "/api/v3/app/installations/{id}";

#[track_caller]
fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

fn message(body: &Value) -> &str {
    body["message"].as_str().unwrap()
}

#[tokio::test]
async fn ip_allow_list_refuses_one_organization_in_githubs_words() {
    let fixture = Fixture::new().await;
    let (acme, olga) = (fixture.install("acme-coffee"), fixture.install("olga"));
    let user = fixture.user_token("olga").await;
    let token = fixture.token(acme, &json!({})).await;
    fixture.sim().set_fault(FaultRule::new(Fault::IpAllowList).for_organization("Acme-Coffee"));
    let expected = "Although you appear to have the correct authorization credentials, the `acme-coffee` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.";
    let refused = [
        fixture.get_as_app(&format!("/app/installations/{acme}")).await,
        fixture.mint(acme, &json!({})).await,
        fixture.get("/installation/repositories", &token).await,
        fixture.get("/user/memberships/orgs/acme-coffee", &user).await,
        fixture.get_as_app("/orgs/acme-coffee/installation").await,
    ];
    for (status, body) in refused {
        assert_eq!((status, message(&body)), (403, expected));
        assert_eq!(body["status"], "403");
    }
    assert_eq!(fixture.mint(olga, &json!({})).await.0, 201);
    assert_eq!(fixture.get("/user", &user).await.0, 200);
    assert_eq!(fixture.get_as_app("/app").await.0, 200);
}

#[tokio::test]
async fn saml_refuses_user_tokens_with_a_sign_in_url_and_hides_the_organization_in_lists() {
    let fixture = Fixture::new().await;
    let acme = fixture.install("acme-coffee");
    let own = fixture.install("olga");
    let user = fixture.user_token("olga").await;
    fixture.sim().set_fault(FaultRule::new(Fault::Saml).for_organization("acme-coffee"));
    let response = fixture.send(Method::GET, "/user/memberships/orgs/acme-coffee", &user).await;
    assert_eq!(response.status(), 403);
    let sso = header(&response, "x-github-sso").to_owned();
    let url = format!("required; url={}/orgs/acme-coffee/sso?authorization_request=", fixture.running.web);
    assert!(sso.starts_with(&url) && sso.len() > url.len() + 20, "{sso}");
    let (_, body) = status_and_body(response).await;
    assert_eq!(
        message(&body),
        "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization."
    );
    let response = fixture.send(Method::GET, "/user/installations", &user).await;
    let id = fixture.sim().installation(acme).unwrap().account_id;
    assert_eq!(header(&response, "x-github-sso"), format!("partial-results; organizations={id}"));
    let (status, body) = status_and_body(response).await;
    assert_eq!((status, &body["total_count"]), (200, &json!(1)));
    assert_eq!(body["installations"][0]["id"], own);
    assert_eq!(fixture.mint(acme, &json!({})).await.0, 201, "Apps need no single sign-on");
    assert_eq!(fixture.get("/user", &user).await.0, 200);
}

#[tokio::test]
async fn saml_for_one_user_spares_the_others() {
    let fixture = Fixture::new().await;
    fixture.install("acme-coffee");
    let (olga, mia) = (fixture.user_token("olga").await, fixture.user_token("mia").await);
    fixture.sim().set_fault(FaultRule::new(Fault::Saml).for_organization("acme-coffee").for_user("mia"));
    let path = "/user/memberships/orgs/acme-coffee";
    assert_eq!([fixture.get(path, &mia).await.0, fixture.get(path, &olga).await.0], [403, 200]);
    for (token, installations) in [(mia, 0), (olga, 1)] {
        let (_, body) = fixture.get("/user/installations", &token).await;
        assert_eq!(body["total_count"], installations);
    }
}

#[tokio::test]
async fn suspended_user_is_refused_everywhere() {
    let fixture = Fixture::new().await;
    fixture.install("acme-coffee");
    let (olga, mia) = (fixture.user_token("olga").await, fixture.user_token("mia").await);
    fixture.sim().set_fault(FaultRule::new(Fault::SuspendedUser).for_user("olga"));
    for path in ["/user", "/user/installations", "/user/memberships/orgs/acme-coffee"] {
        let (status, body) = fixture.get(path, &olga).await;
        assert_eq!((status, message(&body)), (403, "Sorry. Your account was suspended."));
        assert_eq!(fixture.get(path, &mia).await.0, 200);
    }
    assert_eq!(fixture.get_as_app("/app").await.0, 200);
}

#[tokio::test]
async fn suspended_installation_fault_refuses_tokens_but_shows_the_installation() {
    let fixture = Fixture::new().await;
    let (acme, olga) = (fixture.install("acme-coffee"), fixture.install("olga"));
    let token = fixture.token(acme, &json!({})).await;
    fixture.sim().set_fault(FaultRule::new(Fault::SuspendedInstallation).for_installation(acme));
    for refused in
        [fixture.mint(acme, &json!({})).await, fixture.get("/installation/repositories", &token).await]
    {
        assert_eq!((refused.0, message(&refused.1)), (403, "This installation has been suspended"));
    }
    assert_eq!(fixture.get_as_app(&format!("/app/installations/{acme}")).await.0, 200);
    assert_eq!(fixture.mint(olga, &json!({})).await.0, 201);
}

#[tokio::test]
async fn legal_block_missing_permission_and_parent_installation_have_githubs_words() {
    let fixture = Fixture::new().await;
    let acme = fixture.install("acme-coffee");
    let token = fixture.token(acme, &json!({})).await;
    let user = fixture.user_token("olga").await;
    let path = format!("/app/installations/{acme}");
    fixture.sim().set_fault(FaultRule::new(Fault::LegalBlock).for_installation(acme).times(1));
    let (status, body) = fixture.get_as_app(&path).await;
    assert_eq!((status, message(&body)), (451, "Repository access blocked"));
    assert_eq!(body["block"]["reason"], "dmca");

    let lacking = Fault::MissingPermission { accepted: "members=read".into() };
    let rule = FaultRule::new(lacking).for_route("GET", "/api/v3/user/memberships/orgs/{org}").times(1);
    fixture.sim().set_fault(rule);
    let response = fixture.send(Method::GET, "/user/memberships/orgs/acme-coffee", &user).await;
    assert_eq!(header(&response, "x-accepted-github-permissions"), "members=read");
    let (status, body) = status_and_body(response).await;
    assert_eq!((status, message(&body)), (403, "Resource not accessible by integration"));

    fixture.sim().set_fault(FaultRule::new(Fault::NotAccessibleToParent).for_installation(acme).times(1));
    assert_eq!(fixture.get_as_app(&path).await.0, 200);
    assert_eq!(fixture.get("/installation/repositories", &token).await.0, 200);
    let (status, body) = fixture.mint(acme, &json!({})).await;
    assert_eq!(status, 422);
    assert_eq!(
        message(&body),
        "There is at least one repository that does not exist or is not accessible to the parent installation."
    );
    assert_eq!(fixture.mint(acme, &json!({})).await.0, 201);
}

#[tokio::test]
async fn not_found_is_githubs_and_proxy_not_found_has_none_of_githubs_headers() {
    let fixture = Fixture::new().await;
    let (acme, olga) = (fixture.install("acme-coffee"), fixture.install("olga"));
    let path = format!("/app/installations/{acme}");
    fixture.sim().set_fault(FaultRule::new(Fault::NotFound).for_installation(acme).times(2));
    let response = fixture.send(Method::GET, &path, &fixture.jwt()).await;
    assert_eq!(header(&response, "content-type"), "application/json; charset=utf-8");
    assert_eq!(header(&response, "x-github-media-type"), "github.v3; format=json");
    assert!(!header(&response, "x-github-request-id").is_empty());
    assert!(!header(&response, "x-ratelimit-remaining").is_empty());
    let (status, body) = status_and_body(response).await;
    assert_eq!((status, message(&body)), (404, "Not Found"));
    assert_eq!(fixture.mint(acme, &json!({})).await.0, 404);
    assert_eq!(fixture.get_as_app("/app").await.0, 200);
    assert_eq!(fixture.get_as_app(&format!("/app/installations/{olga}")).await.0, 200);

    fixture.sim().set_fault(FaultRule::new(Fault::ProxyNotFound).for_installation(acme).times(1));
    let response = fixture.send(Method::GET, &path, &fixture.jwt()).await;
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (404, "text/html"));
    for name in ["x-github-request-id", "x-github-media-type", "x-ratelimit-remaining"] {
        assert!(!response.headers().contains_key(name), "{name}");
    }
    assert!(response.text().await.unwrap().contains("404 Not Found"));
    assert_eq!(fixture.get_as_app(&path).await.0, 200);
}

#[tokio::test]
async fn server_error_applies_to_one_installation_by_its_id_account_or_token() {
    let fixture = Fixture::new().await;
    let (acme, olga) = (fixture.install("acme-coffee"), fixture.install("olga"));
    let (ours, theirs) = (fixture.token(acme, &json!({})).await, fixture.token(olga, &json!({})).await);
    fixture.sim().set_fault(FaultRule::new(Fault::Status { code: 500 }).for_installation(acme));
    let broken = [
        fixture.get_as_app(&format!("/app/installations/{acme}")).await.0,
        fixture.get_as_app("/orgs/acme-coffee/installation").await.0,
        fixture.get("/installation/repositories", &ours).await.0,
        fixture.mint(acme, &json!({})).await.0,
    ];
    assert_eq!(broken, [500; 4]);
    let well = [
        fixture.get_as_app(&format!("/app/installations/{olga}")).await.0,
        fixture.get_as_app("/app/installations").await.0,
        fixture.get("/installation/repositories", &theirs).await.0,
        fixture.mint(olga, &json!({})).await.0,
    ];
    assert_eq!(well, [200, 200, 200, 201]);
}

#[tokio::test]
async fn limits_apply_to_the_caller_that_earned_them() {
    let fixture = Fixture::new().await;
    let acme = fixture.install("acme-coffee");
    let token = fixture.token(acme, &json!({})).await;
    let (olga, mia) = (fixture.user_token("olga").await, fixture.user_token("mia").await);
    let secondary = Fault::SecondaryRateLimit { retry_after: Some(3600), status: 403 };
    let visitor = fixture.sim().set_fault(FaultRule::new(secondary).for_user("olga"));
    let response = fixture.send(Method::GET, "/user", &olga).await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (403, "3600"));
    assert_ne!(header(&response, "x-ratelimit-remaining"), "0");
    assert_eq!(fixture.get("/user", &mia).await.0, 200);
    assert_eq!(fixture.get_as_app("/app").await.0, 200);
    fixture.sim().remove_fault(visitor).unwrap();
    assert_eq!(fixture.get("/user", &olga).await.0, 200);

    let primary = Fault::PrimaryRateLimit { reset_in: 60 };
    fixture.sim().set_fault(FaultRule::new(primary.clone()).for_app(fixture.app.app_id).times(1));
    assert_eq!(fixture.get("/installation/repositories", &token).await.0, 200);
    let (_, body) = fixture.get_as_app("/app").await;
    assert_eq!(message(&body), format!("API rate limit exceeded for app ID {}.", fixture.app.app_id));
    fixture.sim().set_fault(FaultRule::new(primary).for_installation(acme).times(1));
    let (_, body) = fixture.get("/installation/repositories", &token).await;
    assert_eq!(message(&body), format!("API rate limit exceeded for installation ID {acme}."));
}

#[tokio::test]
async fn lost_answer_of_a_mint_leaves_a_live_token() {
    let fixture = Fixture::new().await;
    let acme = fixture.install("acme-coffee");
    fixture.sim().set_fault(FaultRule::new(Fault::LoseAnswer).for_route("POST", MINT).times(1));
    let url = format!("{}/app/installations/{acme}/access_tokens", fixture.running.api);
    assert!(fixture.client.post(url).bearer_auth(fixture.jwt()).send().await.is_err());
    assert_eq!(fixture.sim().live_installation_tokens(), 1);
    assert_eq!(fixture.mint(acme, &json!({})).await.0, 201);
}

#[tokio::test]
async fn slow_uninstall_shows_the_installation_until_its_time_has_come() {
    let app = NewApp::new("dockline-dev", CALLBACK).with_webhook_url("http://127.0.0.1:1/");
    let fixture = Fixture::with(app).await;
    let acme = fixture.install("acme-coffee");
    let path = format!("/app/installations/{acme}");
    fixture.sim().set_fault(FaultRule::new(Fault::SlowUninstall { seconds: 60 }).for_installation(acme));
    for _ in 0..2 {
        assert_eq!(fixture.send(Method::DELETE, &path, &fixture.jwt()).await.status(), 202);
        assert_eq!(fixture.get_as_app(&path).await.0, 200);
    }
    let deleted =
        || fixture.sim().deliveries().iter().filter(|d| d.action.as_deref() == Some("deleted")).count();
    fixture.sim().advance_clock(59);
    assert_eq!((fixture.get_as_app(&path).await.0, deleted()), (200, 0));
    fixture.sim().advance_clock(1);
    assert_eq!((fixture.get_as_app(&path).await.0, fixture.sim().installations().len()), (404, 0));
    assert_eq!(deleted(), 1);
    assert_eq!(fixture.send(Method::DELETE, &path, &fixture.jwt()).await.status(), 404);
}

#[tokio::test]
async fn list_fault_shortens_pages_and_falsifies_the_count() {
    let fixture = Fixture::new().await;
    let names: Vec<String> = (0..7).map(|number| format!("r{number}")).collect();
    fixture.repositories(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let acme = fixture.install("acme-coffee");
    let token = fixture.token(acme, &json!({})).await;
    let list = Fault::List { page: Some(1), missing: 1, total_count_off_by: 3, max_per_page: None };
    fixture.sim().set_fault(FaultRule::new(list).for_installation(acme));
    let mut seen = Vec::new();
    for page in 1..=3 {
        let path = format!("/installation/repositories?per_page=3&page={page}");
        let response = fixture.send(Method::GET, &path, &token).await;
        let next = response.headers().get("link").is_some_and(|link| link.to_str().unwrap().contains("next"));
        let (_, body) = status_and_body(response).await;
        let length = body["repositories"].as_array().unwrap().len();
        seen.push((length, body["total_count"].as_i64().unwrap(), next));
    }
    assert_eq!(seen, [(2, 10, true), (3, 7, true), (1, 7, false)]);
    fixture.sim().clear_faults();
    let list = Fault::List { page: None, missing: 0, total_count_off_by: 0, max_per_page: Some(4) };
    fixture.sim().set_fault(FaultRule::new(list));
    let response = fixture.send(Method::GET, "/installation/repositories?per_page=100", &token).await;
    assert!(header(&response, "link").contains("per_page=4&page=2>; rel=\"next\""));
    assert_eq!(status_and_body(response).await.1["repositories"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn one_control_call_sets_each_fault_and_one_removes_it() {
    let fixture = Fixture::new().await;
    let acme = fixture.install("acme-coffee");
    let faults = format!("{}/faults", fixture.running.control);
    let rules = [
        (json!({ "fault": { "kind": "ip_allow_list" }, "organization": "acme-coffee" }), 403),
        (json!({ "fault": { "kind": "not_found" }, "installation": acme }), 404),
        (json!({ "fault": { "kind": "proxy_not_found" }, "path": LOOKUP }), 404),
        (json!({ "fault": { "kind": "legal_block" }, "app": fixture.app.app_id }), 451),
        (json!({ "fault": { "kind": "missing_permission", "accepted": "metadata=read" } }), 403),
        (json!({ "fault": { "kind": "saml" } }), 200),
        (json!({ "fault": { "kind": "suspended_user" }, "user": "olga" }), 200),
        (json!({ "fault": { "kind": "suspended_installation" } }), 200),
        (json!({ "fault": { "kind": "not_accessible_to_parent" } }), 200),
        (json!({ "fault": { "kind": "slow_uninstall", "seconds": 5 } }), 200),
        (json!({ "fault": { "kind": "list", "missing": 1 } }), 200),
    ];
    for (rule, expected) in rules {
        let added = fixture.client.post(&faults).json(&rule).send().await.unwrap();
        let (status, added) = status_and_body(added).await;
        assert_eq!(status, 201, "{rule} {added}");
        assert_eq!(fixture.get_as_app(&format!("/app/installations/{acme}")).await.0, expected, "{rule}");
        let (_, listed) = status_and_body(fixture.client.get(&faults).send().await.unwrap()).await;
        assert_eq!(listed["faults"][0]["fault"]["kind"], rule["fault"]["kind"]);
        let one = format!("{faults}/{}", added["id"]);
        assert_eq!(fixture.client.delete(&one).send().await.unwrap().status(), 204);
        assert_eq!(fixture.client.delete(&one).send().await.unwrap().status(), 404);
    }
}

#[tokio::test]
async fn tokens_issued_after_single_sign_on_are_accepted() {
    let fixture = Fixture::new().await;
    fixture.install("acme-coffee");
    fixture.sim().default_user(Some("olga")).unwrap();
    fixture.sim().set_fault(FaultRule::new(Fault::Saml).for_organization("acme-coffee"));
    let before = fixture.user_token("olga").await;
    let path = "/user/memberships/orgs/acme-coffee";
    let response = fixture.send(Method::GET, path, &before).await;
    let url = header(&response, "x-github-sso").trim_start_matches("required; url=").to_owned();
    let page = fixture.client.get(&url).send().await.unwrap();
    assert_eq!(page.status(), 200);
    fixture.sim().advance_clock(1);
    let form = url.split('?').next().unwrap();
    assert_eq!(fixture.client.post(form).send().await.unwrap().status(), 200);
    let after = fixture.user_token("olga").await;
    assert_eq!([fixture.get(path, &before).await.0, fixture.get(path, &after).await.0], [403, 200]);
    let response = fixture.send(Method::GET, "/user/installations", &after).await;
    assert!(!response.headers().contains_key("x-github-sso"));
    assert_eq!(status_and_body(response).await.1["total_count"], 1);
}
