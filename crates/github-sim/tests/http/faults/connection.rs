//! Failed connections, and answers that are not GitHub's.

use std::time::{Duration, Instant};

use crate::support::{Fixture, status_and_body};
use dockline_github_sim::{Fault, FaultRule, Garbage};
use reqwest::Method;

const APP: &str = "/api/v3/app";

async fn response_with(fault: Fault) -> (Fixture, reqwest::Result<reqwest::Response>) {
    response_within(fault, Duration::from_secs(30)).await
}

async fn response_within(fault: Fault, timeout: Duration) -> (Fixture, reqwest::Result<reqwest::Response>) {
    let fixture = Fixture::new().await;
    fixture.sim().set_fault(FaultRule::new(fault).for_path(APP).times(1));
    let request = fixture.client.get(format!("{}/app", fixture.running.api)).bearer_auth(fixture.jwt());
    let response = request.timeout(timeout).send().await;
    (fixture, response)
}

#[tokio::test]
async fn status_fault_has_githubs_body() {
    let (_, response) = response_with(Fault::Status { code: 500 }).await;
    let (status, body) = status_and_body(response.unwrap()).await;
    assert_eq!((status, body["status"].as_str()), (500, Some("500")));
    let (_, response) = response_with(Fault::Status { code: 502 }).await;
    let response = response.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (502, &"text/html; charset=utf-8".parse().unwrap())
    );
    let (_, response) = response_with(Fault::Status { code: 200 }).await;
    assert_eq!(response.unwrap().status(), 500);
}

#[tokio::test]
async fn garbage_fault_is_labelled_as_json() {
    for form in [Garbage::Html, Garbage::Truncated] {
        let (_, response) = response_with(Fault::Garbage { form }).await;
        let response = response.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
        assert!(response.json::<serde_json::Value>().await.is_err());
    }
    let (_, response) = response_with(Fault::WrongJson).await;
    assert!(status_and_body(response.unwrap()).await.1.is_array());
}

#[tokio::test]
async fn primary_rate_limit_fault_has_a_reset_time() {
    let (fixture, response) = response_with(Fault::PrimaryRateLimit { reset_in: 120 }).await;
    let response = response.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["x-ratelimit-remaining"], "0");
    let reset: i64 = response.headers()["x-ratelimit-reset"].to_str().unwrap().parse().unwrap();
    assert!((60..=120).contains(&(reset - fixture.sim().now().unix_timestamp())));
    assert!(
        status_and_body(response).await.1["message"].as_str().unwrap().starts_with("API rate limit exceeded")
    );
}

#[tokio::test]
async fn secondary_rate_limit_fault_has_retry_after() {
    for (status, expected) in [(403, 403), (429, 429), (200, 403)] {
        let (_, response) = response_with(Fault::SecondaryRateLimit { retry_after: Some(7), status }).await;
        let response = response.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (expected, &7.into()));
        assert!(
            status_and_body(response).await.1["message"].as_str().unwrap().contains("secondary rate limit")
        );
    }
    let (_, response) = response_with(Fault::SecondaryRateLimit { retry_after: None, status: 403 }).await;
    assert!(!response.unwrap().headers().contains_key("retry-after"));
}

#[tokio::test]
async fn slow_fault_delays_and_hang_fault_never_answers() {
    let start = Instant::now();
    let (_, response) = response_with(Fault::Slow { ms: 50 }).await;
    assert_eq!(response.unwrap().status(), 200);
    assert!(start.elapsed() >= Duration::from_millis(50));
    let (fixture, response) = response_within(Fault::Hang, Duration::from_millis(200)).await;
    assert!(response.unwrap_err().is_timeout());
    assert_eq!(fixture.get_as_app("/app").await.0, 200, "the rule applies to one request");
}

#[tokio::test]
async fn huge_fault_sends_a_megabyte_without_content_length() {
    let (_, response) = response_with(Fault::Huge).await;
    let response = response.unwrap();
    assert_eq!(response.content_length(), None);
    assert!(response.bytes().await.unwrap().len() > 1 << 20);
}

#[tokio::test]
async fn redirect_fault_has_a_location() {
    let (_, response) = response_with(Fault::Redirect { to: "http://evil.example/".into() }).await;
    let response = response.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (302, &"http://evil.example/".parse().unwrap())
    );
}

#[tokio::test]
async fn drop_fault_changes_nothing_and_lose_answer_fault_does() {
    let fixture = Fixture::new().await;
    let id = fixture.install("acme-coffee");
    let url = format!("{}/app/installations/{id}", fixture.running.api);
    for (fault, gone) in [(Fault::Drop, false), (Fault::LoseAnswer, true)] {
        fixture.sim().set_fault(FaultRule::new(fault).for_method("delete").for_path(APP).times(1));
        let error = fixture.client.delete(&url).bearer_auth(fixture.jwt()).send().await.unwrap_err();
        assert!(!error.is_timeout());
        assert_eq!(fixture.sim().installation(id).is_none(), gone);
    }
}

#[tokio::test]
async fn fault_rule_matches_method_and_path_for_a_number_of_requests() {
    let fixture = Fixture::new().await;
    let rule =
        FaultRule::new(Fault::Status { code: 503 }).for_method("GET").for_path("/api/v3/app/installations");
    fixture.sim().set_fault(rule.clone().times(2));
    assert_eq!(fixture.get_as_app("/app").await.0, 200);
    assert_eq!(fixture.send(Method::DELETE, "/app/installations/1", &fixture.jwt()).await.status(), 404);
    let statuses = [
        fixture.get_as_app("/app/installations").await.0,
        fixture.get_as_app("/app/installations/1").await.0,
    ];
    assert_eq!(statuses, [503, 503]);
    assert_eq!(fixture.get_as_app("/app/installations").await.0, 200);
    fixture.sim().set_fault(rule);
    assert_eq!(fixture.get_as_app("/app/installations").await.0, 503);
    fixture.sim().clear_faults();
    assert_eq!(fixture.get_as_app("/app/installations").await.0, 200);
}

#[tokio::test]
async fn dropping_the_simulator_closes_hanging_connections() {
    let fixture = Fixture::new().await;
    fixture.sim().set_fault(FaultRule::new(Fault::Hang));
    let request =
        fixture.client.get(format!("{}/app", fixture.running.api)).bearer_auth(fixture.jwt()).send();
    let request = tokio::spawn(request);
    while fixture.sim().count_requests("GET", APP) == 0 {
        tokio::task::yield_now().await;
    }
    drop(fixture);
    assert!(request.await.unwrap().is_err());
}
