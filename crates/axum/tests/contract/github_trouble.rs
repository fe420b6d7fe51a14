//! GitHub down, slow, limited, or talking nonsense: nothing is bound half, and the same call may be repeated
//! (`contract.md` §3; I6, I19, L-20, L-34, L-58).

use std::time::Duration;

use dockline::ClaimPolicy;
use dockline_github_sim::{Fault, FaultRule, Garbage};

use crate::answer::Answer;
use crate::world::{Choice, INSTALLATION, World};

async fn trouble(fault: Fault, status: u16, code: &str) -> Answer {
    let github_timeout = Duration::from_millis(if matches!(fault, Fault::Hang) { 700 } else { 10_000 });
    let choice = Choice { policy: ClaimPolicy::State, github_timeout, ..Choice::default() };
    let world = World::with(choice).await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    world.github().set_fault(FaultRule::new(fault.clone()));
    let answer = world.register(&world.acme, installation, &state).await.expect_error(status, code);
    world.get(&world.acme, INSTALLATION).await.expect_error(404, "NOT_FOUND");
    // Nothing is used up: once GitHub is back, the same call succeeds.
    world.github().clear_faults();
    let limited = matches!(fault, Fault::PrimaryRateLimit { .. } | Fault::SecondaryRateLimit { .. });
    if !limited {
        world.register(&world.acme, installation, &state).await.expect(201);
    }
    answer
}

#[tokio::test]
async fn nonsense_and_outages_are_a_502_that_names_the_platform() {
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
async fn a_limit_is_a_503_that_says_how_long() {
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
    let world = World::with_policy(ClaimPolicy::State).await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let limit = Fault::SecondaryRateLimit { retry_after: Some(60), status: 429 };
    world.github().set_fault(FaultRule::new(limit).times(1));
    world.register(&world.acme, installation, &state).await.expect(503);
    world.github().clear_requests();
    let answer = world.register(&world.acme, installation, &state).await.expect(503);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 60);
    assert!(world.github().requests().is_empty());
}

#[tokio::test]
async fn our_own_credential_refused_is_a_500_that_does_not_say_why() {
    let answer = trouble(Fault::Status { code: 401 }, 500, "INTERNAL").await;
    assert!(answer.json["error"].get("details").is_none());
    assert!(!answer.text.to_lowercase().contains("github"), "{}", answer.text);
}

#[tokio::test]
async fn replays_and_reads_work_while_github_is_down_i_24() {
    let world = World::with_policy(ClaimPolicy::State).await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let created = world.register(&world.acme, installation, &state).await.expect(201);
    world.github().set_fault(FaultRule::new(Fault::Status { code: 503 }));
    assert_eq!(world.register(&world.acme, installation, &state).await.expect(201).text, created.text);
    world.get(&world.acme, INSTALLATION).await.expect(200);
    world.delete(&world.acme, INSTALLATION).await.expect(204);
}

#[tokio::test]
async fn a_visitor_who_meets_trouble_can_come_again_with_the_same_state() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let olga = world.browser("olga");
    for path in ["/login/oauth/access_token", "/api/v3/user", "/api/v3/user/memberships"] {
        world.github().set_fault(FaultRule::new(Fault::Status { code: 502 }).for_path(path).times(1));
        let page = olga.arrive_with(installation, &state).await.expect(502);
        assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
        assert_eq!(page.header("set-cookie"), "");
    }
    olga.connect(installation, &state).await;
    world.register(&world.acme, installation, &state).await.expect(201);
    assert_eq!(world.github().live_user_tokens(), 0, "tokens of failed visits are revoked, too");
}

#[tokio::test]
async fn a_registration_asks_github_once_and_twice_at_the_most_i_19() {
    let world = World::with_policy(ClaimPolicy::State).await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    world.github().clear_requests();
    world.register(&world.acme, 9_999_999, &state).await.expect(422);
    assert_eq!(world.github().requests().len(), 2, "a 404 is confirmed by asking for the App (L-55)");
    world.github().clear_requests();
    world.register(&world.acme, installation, &state).await.expect(201);
    assert_eq!(world.github().requests().len(), 1);
}

#[tokio::test]
async fn a_server_clock_that_is_off_is_corrected_l_43() {
    let world = World::with(Choice { policy: ClaimPolicy::State, ..Choice::default() }).await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    world.github().set_clock_offset(-3_600);
    world.register(&world.acme, installation, &state).await.expect(201);
}
