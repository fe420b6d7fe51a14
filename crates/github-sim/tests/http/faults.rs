//! Faults on demand.

use std::time::{Duration, Instant};

use crate::support::{World, answer};
use dockline_github_sim::{Fault, FaultRule, Garbage};
use reqwest::Method;

const APP: &str = "/api/v3/app";

async fn with(fault: Fault) -> (World, reqwest::Result<reqwest::Response>) {
    with_patience(fault, Duration::from_secs(30)).await
}

async fn with_patience(fault: Fault, patience: Duration) -> (World, reqwest::Result<reqwest::Response>) {
    let world = World::new().await;
    world.sim().set_fault(FaultRule::new(fault).for_path(APP).times(1));
    let request = world.client.get(format!("{}/app", world.running.api)).bearer_auth(world.jwt());
    let response = request.timeout(patience).send().await;
    (world, response)
}

#[tokio::test]
async fn a_status_looks_as_githubs_do() {
    let (_, response) = with(Fault::Status { code: 500 }).await;
    let (status, body) = answer(response.unwrap()).await;
    assert_eq!((status, body["status"].as_str()), (500, Some("500")));
    let (_, response) = with(Fault::Status { code: 502 }).await;
    let response = response.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (502, &"text/html; charset=utf-8".parse().unwrap())
    );
    let (_, response) = with(Fault::Status { code: 200 }).await;
    assert_eq!(response.unwrap().status(), 500);
}

#[tokio::test]
async fn garbage_says_that_it_is_json() {
    for form in [Garbage::Html, Garbage::Truncated] {
        let (_, response) = with(Fault::Garbage { form }).await;
        let response = response.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
        assert!(response.json::<serde_json::Value>().await.is_err());
    }
    let (_, response) = with(Fault::WrongJson).await;
    assert!(answer(response.unwrap()).await.1.is_array());
}

#[tokio::test]
async fn the_hourly_limit_names_its_reset_by_the_simulators_clock() {
    let (world, response) = with(Fault::PrimaryRateLimit { reset_in: 120 }).await;
    let response = response.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["x-ratelimit-remaining"], "0");
    let reset: i64 = response.headers()["x-ratelimit-reset"].to_str().unwrap().parse().unwrap();
    assert!((60..=120).contains(&(reset - world.sim().now().unix_timestamp())));
    assert!(answer(response).await.1["message"].as_str().unwrap().starts_with("API rate limit exceeded"));
}

#[tokio::test]
async fn the_secondary_limit_says_how_long_to_wait() {
    for (status, expected) in [(403, 403), (429, 429), (200, 403)] {
        let (_, response) = with(Fault::SecondaryRateLimit { retry_after: Some(7), status }).await;
        let response = response.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (expected, &7.into()));
        assert!(answer(response).await.1["message"].as_str().unwrap().contains("secondary rate limit"));
    }
    let (_, response) = with(Fault::SecondaryRateLimit { retry_after: None, status: 403 }).await;
    assert!(!response.unwrap().headers().contains_key("retry-after"));
}

#[tokio::test]
async fn slow_answers_are_right_in_the_end_and_hanging_ones_never_come() {
    let begun = Instant::now();
    let (_, response) = with(Fault::Slow { ms: 50 }).await;
    assert_eq!(response.unwrap().status(), 200);
    assert!(begun.elapsed() >= Duration::from_millis(50));
    let (world, response) = with_patience(Fault::Hang, Duration::from_millis(200)).await;
    assert!(response.unwrap_err().is_timeout());
    assert_eq!(world.as_app("/app").await.0, 200, "the rule was for one request");
}

#[tokio::test]
async fn a_huge_body_is_over_a_megabyte_and_of_unknown_length() {
    let (_, response) = with(Fault::Huge).await;
    let response = response.unwrap();
    assert_eq!(response.content_length(), None);
    assert!(response.bytes().await.unwrap().len() > 1 << 20);
}

#[tokio::test]
async fn a_redirect_names_its_target() {
    let (_, response) = with(Fault::Redirect { to: "http://evil.example/".into() }).await;
    let response = response.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (302, &"http://evil.example/".parse().unwrap())
    );
}

#[tokio::test]
async fn a_dropped_request_did_nothing_and_a_lost_answer_did_its_work() {
    let world = World::new().await;
    let id = world.install("acme-coffee");
    let url = format!("{}/app/installations/{id}", world.running.api);
    for (fault, gone) in [(Fault::Drop, false), (Fault::LoseAnswer, true)] {
        world.sim().set_fault(FaultRule::new(fault).for_method("delete").for_path(APP).times(1));
        let error = world.client.delete(&url).bearer_auth(world.jwt()).send().await.unwrap_err();
        assert!(!error.is_timeout());
        assert_eq!(world.sim().installation(id).is_none(), gone);
    }
}

#[tokio::test]
async fn a_rule_meets_its_method_and_path_as_often_as_it_says() {
    let world = World::new().await;
    let rule =
        FaultRule::new(Fault::Status { code: 503 }).for_method("GET").for_path("/api/v3/app/installations");
    world.sim().set_fault(rule.clone().times(2));
    assert_eq!(world.as_app("/app").await.0, 200);
    assert_eq!(world.send(Method::DELETE, "/app/installations/1", &world.jwt()).await.status(), 404);
    let statuses = [world.as_app("/app/installations").await.0, world.as_app("/app/installations/1").await.0];
    assert_eq!(statuses, [503, 503]);
    assert_eq!(world.as_app("/app/installations").await.0, 200);
    world.sim().set_fault(rule);
    assert_eq!(world.as_app("/app/installations").await.0, 503);
    world.sim().clear_faults();
    assert_eq!(world.as_app("/app/installations").await.0, 200);
}

#[tokio::test]
async fn stopping_ends_requests_that_hang() {
    let world = World::new().await;
    world.sim().set_fault(FaultRule::new(Fault::Hang));
    let request = world.client.get(format!("{}/app", world.running.api)).bearer_auth(world.jwt()).send();
    let request = tokio::spawn(request);
    while world.sim().count_requests("GET", APP) == 0 {
        tokio::task::yield_now().await;
    }
    drop(world);
    assert!(request.await.unwrap().is_err());
}
