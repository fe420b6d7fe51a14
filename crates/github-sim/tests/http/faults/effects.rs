//! Faults that let a request through, and how rules are restricted and removed.

use crate::support::{CALLBACK, Fixture, header, status_and_body};
use dockline_github_sim::{Fault, FaultRule, NewApp};
use reqwest::Method;
use serde_json::json;

const MINT: &str = "/api/v3/app/installations/{id}/access_tokens";
const LOOKUP: &str = "/api/v3/app/installations/{id}";

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
    assert_eq!(body["message"], format!("API rate limit exceeded for app ID {}.", fixture.app.app_id));
    fixture.sim().set_fault(FaultRule::new(primary).for_installation(acme).times(1));
    let (_, body) = fixture.get("/installation/repositories", &token).await;
    assert_eq!(body["message"], format!("API rate limit exceeded for installation ID {acme}."));
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
