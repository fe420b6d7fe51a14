//! GitHub down, slow, rate-limiting or sending invalid responses: no partial change, and the same request succeeds later
//! (I6, I19, L-20, L-34, L-58).

use std::time::Duration;

use dockline::ClaimPolicy;
use dockline_github_sim::{Fault, FaultRule, Garbage};

use crate::fixture::{Fixture, INSTALLATION, Setup};
use crate::response::Response;

async fn trouble(fault: Fault, status: u16, code: &str) -> Response {
    let github_timeout = Duration::from_millis(if matches!(fault, Fault::Hang) { 700 } else { 10_000 });
    let setup = Setup { policy: ClaimPolicy::State, github_timeout, ..Setup::default() };
    let fixture = Fixture::with(setup).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.github().set_fault(FaultRule::new(fault.clone()));
    let answer = fixture.register(&fixture.acme, installation, &state).await.expect_error(status, code);
    fixture.get(&fixture.acme, INSTALLATION).await.expect_error(404, "NOT_FOUND");
    // Once GitHub is back, the same request succeeds.
    fixture.github().clear_faults();
    let limited = matches!(fault, Fault::PrimaryRateLimit { .. } | Fault::SecondaryRateLimit { .. });
    if !limited {
        fixture.register(&fixture.acme, installation, &state).await.expect(201);
    }
    answer
}

#[tokio::test]
async fn invalid_responses_and_outages_are_a_502_that_names_the_platform() {
    for fault in [
        Fault::Status { code: 500 },
        Fault::Status { code: 502 },
        Fault::Status { code: 503 },
        Fault::Garbage { form: Garbage::Html },
        Fault::Garbage { form: Garbage::Truncated },
        Fault::WrongJson,
        Fault::Huge,
        Fault::Hang,
        Fault::Drop,
        Fault::Redirect { to: "http://127.0.0.1:9/".into() },
    ] {
        let answer = trouble(fault.clone(), 502, "PLATFORM_ERROR").await;
        assert_eq!(answer.json["error"]["details"]["platform"], "github", "{fault:?}");
    }
}

#[tokio::test]
async fn a_rate_limit_is_a_503_with_retry_after() {
    let answer = trouble(Fault::PrimaryRateLimit { reset_in: 42 }, 503, "PLATFORM_ERROR").await;
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((41..=43).contains(&wait), "{wait}");
    assert_eq!(answer.json["error"]["details"]["platform"], "github");
    for status in [403, 429] {
        let fault = Fault::SecondaryRateLimit { retry_after: Some(17), status };
        let answer = trouble(fault, 503, "PLATFORM_ERROR").await;
        assert_eq!(answer.header("retry-after"), "17");
    }
}

#[tokio::test]
async fn github_is_not_called_before_the_time_it_asked_for_i_19() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let limit = Fault::SecondaryRateLimit { retry_after: Some(60), status: 429 };
    fixture.github().set_fault(FaultRule::new(limit).times(1));
    fixture.register(&fixture.acme, installation, &state).await.expect(503);
    fixture.github().clear_requests();
    let answer = fixture.register(&fixture.acme, installation, &state).await.expect(503);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 60);
    assert!(fixture.github().requests().is_empty());
}

#[tokio::test]
async fn a_rejected_app_credential_is_a_500_that_hides_the_cause() {
    let answer = trouble(Fault::Status { code: 401 }, 500, "INTERNAL").await;
    assert!(answer.json["error"].get("details").is_none());
    assert!(!answer.text.to_lowercase().contains("github"), "{}", answer.text);
}

#[tokio::test]
async fn replays_and_reads_work_while_github_is_down_i_24() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let created = fixture.register(&fixture.acme, installation, &state).await.expect(201);
    fixture.github().set_fault(FaultRule::new(Fault::Status { code: 503 }));
    assert_eq!(fixture.register(&fixture.acme, installation, &state).await.expect(201).text, created.text);
    fixture.get(&fixture.acme, INSTALLATION).await.expect(200);
    fixture.delete(&fixture.acme, INSTALLATION).await.expect(204);
}

#[tokio::test]
async fn a_visitor_can_retry_with_the_same_state_after_an_outage() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let olga = fixture.browser("olga");
    for path in ["/login/oauth/access_token", "/api/v3/user", "/api/v3/user/memberships"] {
        fixture.github().set_fault(FaultRule::new(Fault::Status { code: 502 }).for_path(path).times(1));
        let page = olga.arrive_with(installation, &state).await.expect(502);
        assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
        assert_eq!(page.header("set-cookie"), "");
    }
    olga.connect(installation, &state).await;
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
    assert_eq!(fixture.github().live_user_tokens(), 0, "tokens of failed visits are revoked, too");
}

#[tokio::test]
async fn a_registration_asks_github_once_and_twice_at_the_most_i_19() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.github().clear_requests();
    fixture.register(&fixture.acme, 9_999_999, &state).await.expect(422);
    assert_eq!(fixture.github().requests().len(), 2, "a 404 is confirmed by asking for the App (L-55)");
    fixture.github().clear_requests();
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
    assert_eq!(fixture.github().requests().len(), 1);
}

#[tokio::test]
async fn a_server_clock_that_is_off_is_corrected_l_43() {
    let fixture = Fixture::with(Setup { policy: ClaimPolicy::State, ..Setup::default() }).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.github().set_clock_offset(-3_600);
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
}
