//! Installations by repository and by account, repositories, `/meta`, and the simulator's clock.

use crate::rest::openapi::{agrees, agrees_as_error, validator};
use crate::support::{CALLBACK, Fixture, status_and_body};
use dockline_github_sim::NewApp;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn installation_is_found_by_repository_and_by_login_of_either_kind() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans", "roaster"]);
    let acme = fixture.install("acme-coffee");
    for path in ["/repos/Acme-Coffee/BEANS/installation", "/users/acme-coffee/installation"] {
        let (status, body) = fixture.get_as_app(path).await;
        assert_eq!((status, &body["id"]), (200, &json!(acme)), "{path}");
    }
    fixture.sim().select_repositories(acme, &["roaster"]).unwrap();
    for path in [
        "/repos/acme-coffee/beans/installation",
        "/repos/acme-coffee/x/installation",
        "/orgs/olga/installation",
    ] {
        assert_eq!(fixture.get_as_app(path).await.0, 404, "{path}");
    }
    assert_eq!(fixture.get_as_app("/repos/acme-coffee/roaster/installation").await.0, 200);
}

#[tokio::test]
async fn repository_is_shown_to_those_who_can_access_it() {
    let fixture = Fixture::new().await;
    fixture.sim().create_user("stranger").unwrap();
    fixture.sim().add_repository("acme-coffee", "site", false).unwrap();
    fixture.repositories(&["beans"]);
    let acme = fixture.install("acme-coffee");
    let token = fixture.token(acme, &json!({ "repositories": ["site"] })).await;
    let whole = fixture.token(acme, &json!({})).await;
    let (olga, stranger) = (fixture.user_token("olga").await, fixture.user_token("stranger").await);
    let get = async |name: &str, token: &str| fixture.get(&format!("/repos/acme-coffee/{name}"), token).await;
    let (status, body) = get("beans", &olga).await;
    assert_eq!((status, &body["permissions"]["admin"]), (200, &json!(true)));
    assert_eq!(get("beans", &whole).await.0, 200);
    assert_eq!(get("beans", &token).await.0, 404);
    assert_eq!([get("beans", &stranger).await.0, get("site", &stranger).await.0], [404, 200]);
    assert_eq!(get("unknown", &olga).await.0, 404);
    assert_eq!(get("beans", "rubbish").await.0, 401);
    let url = format!("{}/repos/acme-coffee", fixture.running.api);
    assert_eq!(fixture.client.get(format!("{url}/site")).send().await.unwrap().status(), 200);
    assert_eq!(fixture.client.get(format!("{url}/beans")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn meta_needs_no_credential() {
    let fixture = Fixture::new().await;
    let response = fixture.client.get(format!("{}/meta", fixture.running.api)).send().await.unwrap();
    let (status, body) = status_and_body(response).await;
    assert_eq!((status, body["hooks"].is_array()), (200, true));
}

#[tokio::test]
async fn date_and_creation_times_follow_the_simulators_clock() {
    let fixture = Fixture::new().await;
    fixture.sim().set_clock_offset(86_400 * 365);
    let before = fixture.sim().now().unix_timestamp();
    let acme = fixture.install("acme-coffee");
    let response = fixture.send(Method::GET, &format!("/app/installations/{acme}"), &fixture.jwt()).await;
    let date = response.headers()["date"].to_str().unwrap().to_owned();
    let (_, body) = status_and_body(response).await;
    let format = &time::format_description::well_known::Rfc3339;
    let created = time::OffsetDateTime::parse(body["created_at"].as_str().unwrap(), format).unwrap();
    assert!((0..60).contains(&(created.unix_timestamp() - before)));
    let date = time::OffsetDateTime::parse(&date, &time::format_description::well_known::Rfc2822).unwrap();
    assert!((0..60).contains(&(date.unix_timestamp() - before)), "{date}");
}

#[tokio::test]
async fn created_event_lists_the_permissions_that_the_app_has_on_the_account() {
    for (permissions, expected) in [
        ([("metadata", "read"), ("members", "read")], json!({ "members": "read", "metadata": "read" })),
        ([("metadata", "read"), ("contents", "read")], json!({ "contents": "read", "metadata": "read" })),
    ] {
        let app = NewApp::new("dockline-dev", CALLBACK)
            .with_permissions(permissions)
            .with_webhook_url("http://127.0.0.1:1/");
        let fixture = Fixture::with(app).await;
        let acme = fixture.install("acme-coffee");
        let deliveries = fixture.sim().deliveries();
        let created = deliveries.iter().find(|d| d.action.as_deref() == Some("created")).unwrap();
        let payload: Value = serde_json::from_slice(&created.body).unwrap();
        assert_eq!(
            (&payload["installation"]["id"], &payload["sender"]["login"]),
            (&json!(acme), &json!("olga"))
        );
        assert_eq!(payload["installation"]["permissions"], expected);
    }
}

#[tokio::test]
async fn lists_of_users_and_lookups_match_the_schema() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans"]);
    let id = fixture.install("acme-coffee");
    let token = fixture.user_token("olga").await;
    agrees("GET /user/orgs 200", &fixture.get("/user/orgs", &token).await.1);
    agrees("GET /user/memberships/orgs 200", &fixture.get("/user/memberships/orgs", &token).await.1);
    let (_, listed) = fixture.get(&format!("/user/installations/{id}/repositories"), &token).await;
    assert!(validator("GET /user/installations/{installation_id}/repositories 200", false).is_valid(&listed));
    let repository = validator("repository", true);
    let errors: Vec<_> = repository.iter_errors(&listed["repositories"][0]).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let (_, shown) = fixture.get("/repos/acme-coffee/beans", &token).await;
    agrees("GET /repos/{owner}/{repo} 200", &shown);
    let (_, found) = fixture.get_as_app("/repos/acme-coffee/beans/installation").await;
    agrees("GET /repos/{owner}/{repo}/installation 200", &found);
    agrees("GET /rate_limit 200", &fixture.get("/rate_limit", &token).await.1);
    agrees("GET /meta 200", &fixture.get("/meta", &token).await.1);
    agrees_as_error(404, &fixture.get("/user/installations/1/repositories", &token).await);
}
