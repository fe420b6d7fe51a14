//! The hourly limit: who has which, what the headers say, and when it ends.

use crate::support::{World, answer};
use dockline_github_sim::RateLimited;
use reqwest::{Method, Response};
use serde_json::json;

const LIST: &str = "/installation/repositories";

/// limit, used, remaining, reset.
fn standing(response: &Response) -> [i64; 4] {
    let resource = &response.headers()["x-ratelimit-resource"];
    assert_eq!(resource, "core");
    ["limit", "used", "remaining", "reset"].map(|name| {
        let values: Vec<_> = response.headers().get_all(format!("x-ratelimit-{name}")).iter().collect();
        assert_eq!(values.len(), 1, "{name}");
        values[0].to_str().unwrap().parse().unwrap()
    })
}

#[tokio::test]
async fn an_installation_over_its_limit_waits_for_the_reset() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let (one, other) =
        (world.token(installation, &json!({})).await, world.token(installation, &json!({})).await);
    let limited = RateLimited::Installation(installation);
    world.sim().set_rate_limit(limited, Some(3)).unwrap();
    let get = async |token: &str| world.send(Method::GET, LIST, token).await;
    let first = standing(&get(&one).await);
    assert_eq!(first[..3], [3, 1, 2]);
    let hour = first[3] - world.sim().now().unix_timestamp();
    assert!((3540..=3600).contains(&hour), "{hour}");
    assert_eq!(standing(&get(&other).await)[..3], [3, 2, 1], "all its tokens together");
    assert_eq!(standing(&get(&one).await)[..3], [3, 3, 0]);
    for _ in 0..2 {
        let refused = get(&other).await;
        assert_eq!((refused.status().as_u16(), standing(&refused)), (403, [3, 3, 0, first[3]]));
        assert!(!refused.headers().contains_key("retry-after"));
        let message = format!("API rate limit exceeded for installation ID {installation}.");
        assert_eq!(answer(refused).await.1["message"], message);
    }
    assert_eq!(world.as_app("/app").await.0, 200, "others have their own");
    world.sim().advance_clock(hour - 60);
    assert_eq!(get(&one).await.status(), 403);
    world.sim().advance_clock(60);
    // The token is as old as the window: a fresh one.
    let fresh = world.token(installation, &json!({})).await;
    let again = get(&fresh).await;
    assert_eq!((again.status().as_u16(), &standing(&again)[..3]), (200, &[3, 1, 2][..]));
}

#[tokio::test]
async fn an_app_has_a_limit_for_its_jwt() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    world.sim().set_rate_limit(RateLimited::App(world.app.app_id), Some(2)).unwrap();
    let token = world.token(installation, &json!({})).await;
    let refused = world.send(Method::GET, "/nowhere", &world.jwt()).await;
    assert_eq!(
        (refused.status().as_u16(), &standing(&refused)[..3]),
        (404, &[2, 2, 0][..]),
        "any answer counts"
    );
    let refused = world.send(Method::GET, "/app", &world.jwt()).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(world.mint(installation, &json!({})).await.0, 403);
    assert_eq!(world.sim().live_installation_tokens(), 1, "a refused request does nothing");
    assert_eq!(world.get(LIST, &token).await.0, 200);
    world.sim().set_rate_limit(RateLimited::App(world.app.app_id), None).unwrap();
    let after = world.send(Method::GET, "/app", &world.jwt()).await;
    assert_eq!((after.status().as_u16(), &standing(&after)[..3]), (200, &[5000, 3, 4997][..]));
}

#[tokio::test]
async fn every_answer_tells_the_standing() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let token = world.token(installation, &json!({})).await;
    assert_eq!(standing(&world.send(Method::GET, LIST, &token).await)[..3], [5000, 1, 4999]);
    world.sim().suspend(installation, None).unwrap();
    let suspended = world.send(Method::GET, LIST, &token).await;
    assert_eq!((suspended.status().as_u16(), &standing(&suspended)[..3]), (403, &[5000, 2, 4998][..]));
    for (path, credential) in [("/app", "rubbish"), (LIST, "rubbish"), ("/nowhere", &world.jwt())] {
        standing(&world.send(Method::GET, path, credential).await);
    }
    let request = world.client.get(format!("{}/app", world.running.api)).bearer_auth(world.jwt());
    let unsupported = request.header("X-GitHub-Api-Version", "2021-01-01").send().await.unwrap();
    assert_eq!(unsupported.status(), 400);
    standing(&unsupported);
}

#[tokio::test]
async fn the_control_api_sets_limits() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let token = world.token(installation, &json!({})).await;
    let post = async |body: serde_json::Value| {
        let url = format!("{}/rate-limits", world.running.control);
        world.client.post(url).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(json!({ "installation": installation, "limit": 0 })).await, 204);
    assert_eq!(world.get(LIST, &token).await.0, 403);
    assert_eq!(post(json!({ "installation": installation, "limit": null })).await, 204);
    assert_eq!(world.get(LIST, &token).await.0, 200);
    assert_eq!(post(json!({ "app": world.app.app_id, "limit": 1 })).await, 204);
    assert_eq!(post(json!({ "app": 1, "limit": 1 })).await, 404);
    assert_eq!(post(json!({ "installation": 1, "limit": 1 })).await, 404);
    assert_eq!(post(json!({ "limit": 1 })).await, 422);
}
