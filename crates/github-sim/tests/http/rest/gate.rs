//! Required request headers, API versions, and the headers of every response.

use crate::support::{Fixture, client_builder, status_and_body};
use reqwest::Method;

#[tokio::test]
async fn every_response_has_githubs_headers() {
    let fixture = Fixture::new().await;
    let response = fixture.send(Method::GET, "/app", &fixture.jwt()).await;
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(headers["x-github-api-version-selected"], "2022-11-28");
    assert_eq!(headers["x-github-media-type"], "github.v3; format=json");
    assert_eq!(headers["x-ratelimit-limit"], "5000");
    assert_eq!(headers["x-ratelimit-remaining"], "4999");
    for name in
        ["date", "x-github-request-id", "x-ratelimit-used", "x-ratelimit-reset", "x-ratelimit-resource"]
    {
        assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
    }
    let refused = fixture.send(Method::GET, "/app", "rubbish").await;
    assert_eq!(refused.headers()["content-type"], "application/json; charset=utf-8");
    assert!(refused.headers().contains_key("x-github-request-id"));
    assert!(refused.headers().contains_key("x-github-media-type"));
}

#[tokio::test]
async fn request_without_user_agent_is_403() {
    let fixture = Fixture::new().await;
    let anonymous = client_builder().no_proxy().build().unwrap();
    let request = anonymous.get(format!("{}/app", fixture.running.api)).bearer_auth(fixture.jwt());
    assert_eq!(request.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn unknown_api_version_is_400() {
    let fixture = Fixture::new().await;
    for (version, expected) in [("2022-11-28", 200), ("2026-03-10", 200), ("2021-01-01", 400), ("", 400)] {
        let request = fixture.client.get(format!("{}/app", fixture.running.api)).bearer_auth(fixture.jwt());
        let response = request.header("X-GitHub-Api-Version", version).send().await.unwrap();
        assert_eq!(response.status(), expected, "{version:?}");
    }
}

#[tokio::test]
async fn unknown_path_trailing_slash_and_wrong_method_are_404() {
    let fixture = Fixture::new().await;
    for path in ["/app/", "", "/apps", "/app/installations/"] {
        let (status, body) = fixture.get_as_app(path).await;
        assert_eq!((status, body["message"].as_str()), (404, Some("Not Found")), "{path:?}");
    }
    let (status, body) = status_and_body(fixture.send(Method::POST, "/app", &fixture.jwt()).await).await;
    assert_eq!((status, body["status"].as_str()), (404, Some("404")));
}

#[tokio::test]
async fn request_log_has_no_queries() {
    let fixture = Fixture::new().await;
    fixture.get_as_app("/app?secret=1").await;
    fixture.get_as_app("/app/installations").await;
    fixture.client.get(format!("{}/state", fixture.running.control)).send().await.unwrap();
    let recorded = fixture.sim().requests();
    assert_eq!(recorded.len(), 2);
    assert_eq!((recorded[0].method.as_str(), recorded[0].path.as_str()), ("GET", "/api/v3/app"));
    assert_eq!(fixture.sim().count_requests("get", "/api/v3/app/inst"), 1);
    fixture.sim().clear_requests();
    assert_eq!(fixture.sim().requests(), []);
}
