//! Hourly rate limits.

use crate::support::{Fixture, status_and_body};
use dockline_github_sim::RateLimitCaller;
use reqwest::{Method, Response};
use serde_json::json;

const LIST: &str = "/installation/repositories";

/// Returns limit, used, remaining and reset from the headers.
fn rate_limit(response: &Response) -> [i64; 4] {
    let resource = &response.headers()["x-ratelimit-resource"];
    assert_eq!(resource, "core");
    ["limit", "used", "remaining", "reset"].map(|name| {
        let values: Vec<_> = response.headers().get_all(format!("x-ratelimit-{name}")).iter().collect();
        assert_eq!(values.len(), 1, "{name}");
        values[0].to_str().unwrap().parse().unwrap()
    })
}

#[tokio::test]
async fn installation_over_its_limit_is_403_until_the_reset() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let (one, other) =
        (fixture.token(installation, &json!({})).await, fixture.token(installation, &json!({})).await);
    let caller = RateLimitCaller::Installation(installation);
    fixture.sim().set_rate_limit(caller, Some(3)).unwrap();
    let get = async |token: &str| fixture.send(Method::GET, LIST, token).await;
    let first = rate_limit(&get(&one).await);
    assert_eq!(first[..3], [3, 1, 2]);
    let hour = first[3] - fixture.sim().now().unix_timestamp();
    assert!((3540..=3600).contains(&hour), "{hour}");
    assert_eq!(
        rate_limit(&get(&other).await)[..3],
        [3, 2, 1],
        "all tokens of the installation count together"
    );
    assert_eq!(rate_limit(&get(&one).await)[..3], [3, 3, 0]);
    for _ in 0..2 {
        let refused = get(&other).await;
        assert_eq!((refused.status().as_u16(), rate_limit(&refused)), (403, [3, 3, 0, first[3]]));
        assert!(!refused.headers().contains_key("retry-after"));
        let message = format!("API rate limit exceeded for installation ID {installation}.");
        assert_eq!(status_and_body(refused).await.1["message"], message);
    }
    assert_eq!(fixture.get_as_app("/app").await.0, 200, "other callers have their own limit");
    fixture.sim().advance_clock(hour - 60);
    assert_eq!(get(&one).await.status(), 403);
    fixture.sim().advance_clock(60);
    // The first tokens have expired by now.
    let fresh = fixture.token(installation, &json!({})).await;
    let again = get(&fresh).await;
    assert_eq!((again.status().as_u16(), &rate_limit(&again)[..3]), (200, &[3, 1, 2][..]));
}

#[tokio::test]
async fn jwt_requests_have_a_limit_per_app() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    fixture.sim().set_rate_limit(RateLimitCaller::App(fixture.app.app_id), Some(2)).unwrap();
    let token = fixture.token(installation, &json!({})).await;
    let refused = fixture.send(Method::GET, "/nowhere", &fixture.jwt()).await;
    assert_eq!(
        (refused.status().as_u16(), &rate_limit(&refused)[..3]),
        (404, &[2, 2, 0][..]),
        "a 404 counts"
    );
    let refused = fixture.send(Method::GET, "/app", &fixture.jwt()).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(fixture.mint(installation, &json!({})).await.0, 403);
    assert_eq!(fixture.sim().live_installation_tokens(), 1, "a rejected request does nothing");
    assert_eq!(fixture.get(LIST, &token).await.0, 200);
    fixture.sim().set_rate_limit(RateLimitCaller::App(fixture.app.app_id), None).unwrap();
    let after = fixture.send(Method::GET, "/app", &fixture.jwt()).await;
    assert_eq!((after.status().as_u16(), &rate_limit(&after)[..3]), (200, &[5000, 3, 4997][..]));
}

#[tokio::test]
async fn every_response_has_rate_limit_headers() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let token = fixture.token(installation, &json!({})).await;
    assert_eq!(rate_limit(&fixture.send(Method::GET, LIST, &token).await)[..3], [5000, 1, 4999]);
    fixture.sim().suspend(installation, None).unwrap();
    let suspended = fixture.send(Method::GET, LIST, &token).await;
    assert_eq!((suspended.status().as_u16(), &rate_limit(&suspended)[..3]), (403, &[5000, 2, 4998][..]));
    for (path, credential) in [("/app", "rubbish"), (LIST, "rubbish"), ("/nowhere", &fixture.jwt())] {
        rate_limit(&fixture.send(Method::GET, path, credential).await);
    }
    let request = fixture.client.get(format!("{}/app", fixture.running.api)).bearer_auth(fixture.jwt());
    let unsupported = request.header("X-GitHub-Api-Version", "2021-01-01").send().await.unwrap();
    assert_eq!(unsupported.status(), 400);
    rate_limit(&unsupported);
}

#[tokio::test]
async fn control_api_sets_rate_limits() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let token = fixture.token(installation, &json!({})).await;
    let post = async |body: serde_json::Value| {
        let url = format!("{}/rate-limits", fixture.running.control);
        fixture.client.post(url).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(json!({ "installation": installation, "limit": 0 })).await, 204);
    assert_eq!(fixture.get(LIST, &token).await.0, 403);
    assert_eq!(post(json!({ "installation": installation, "limit": null })).await, 204);
    assert_eq!(fixture.get(LIST, &token).await.0, 200);
    assert_eq!(post(json!({ "app": fixture.app.app_id, "limit": 1 })).await, 204);
    assert_eq!(post(json!({ "app": 1, "limit": 1 })).await, 404);
    assert_eq!(post(json!({ "installation": 1, "limit": 1 })).await, 404);
    assert_eq!(post(json!({ "limit": 1 })).await, 422);
}
