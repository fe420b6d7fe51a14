//! What every REST request must say, and every answer says.

use crate::support::{World, answer, client_builder};
use reqwest::Method;

#[tokio::test]
async fn every_answer_carries_githubs_headers() {
    let world = World::new().await;
    let response = world.send(Method::GET, "/app", &world.jwt()).await;
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(headers["x-github-api-version-selected"], "2022-11-28");
    assert_eq!(headers["x-ratelimit-limit"], "5000");
    assert_eq!(headers["x-ratelimit-remaining"], "4999");
    for name in
        ["date", "x-github-request-id", "x-ratelimit-used", "x-ratelimit-reset", "x-ratelimit-resource"]
    {
        assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
    }
    let refused = world.send(Method::GET, "/app", "rubbish").await;
    assert_eq!(refused.headers()["content-type"], "application/json; charset=utf-8");
    assert!(refused.headers().contains_key("x-github-request-id"));
}

#[tokio::test]
async fn a_request_without_a_user_agent_is_403() {
    let world = World::new().await;
    let anonymous = client_builder().no_proxy().build().unwrap();
    let request = anonymous.get(format!("{}/app", world.running.api)).bearer_auth(world.jwt());
    assert_eq!(request.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn only_githubs_versions_are_served() {
    let world = World::new().await;
    for (version, expected) in [("2022-11-28", 200), ("2026-03-10", 200), ("2021-01-01", 400), ("", 400)] {
        let request = world.client.get(format!("{}/app", world.running.api)).bearer_auth(world.jwt());
        let response = request.header("X-GitHub-Api-Version", version).send().await.unwrap();
        assert_eq!(response.status(), expected, "{version:?}");
    }
}

#[tokio::test]
async fn a_trailing_slash_an_unknown_path_and_a_wrong_method_are_404() {
    let world = World::new().await;
    for path in ["/app/", "", "/apps", "/app/installations/"] {
        let (status, body) = world.as_app(path).await;
        assert_eq!((status, body["message"].as_str()), (404, Some("Not Found")), "{path:?}");
    }
    let (status, body) = answer(world.send(Method::POST, "/app", &world.jwt()).await).await;
    assert_eq!((status, body["status"].as_str()), (404, Some("404")));
}

#[tokio::test]
async fn requests_are_recorded_without_their_secrets() {
    let world = World::new().await;
    world.as_app("/app?secret=1").await;
    world.as_app("/app/installations").await;
    world.client.get(format!("{}/state", world.running.control)).send().await.unwrap();
    let recorded = world.sim().requests();
    assert_eq!(recorded.len(), 2);
    assert_eq!((recorded[0].method.as_str(), recorded[0].path.as_str()), ("GET", "/api/v3/app"));
    assert_eq!(world.sim().count_requests("get", "/api/v3/app/inst"), 1);
    world.sim().clear_requests();
    assert_eq!(world.sim().requests(), []);
}
