//! `GET /v1/github/repos`: reading the list at GitHub, whatever GitHub answers.

use std::time::Duration;

use dockline::ClaimPolicy;
use dockline_axum::RouterOptions;
use dockline_github_sim::{Fault, FaultRule};
use serde_json::{Value, json};

use super::repos::{AT_GITHUB, fixture};
use crate::fixture::{Fixture, Setup};

/// Minting a token shows the new status.
#[tokio::test]
async fn a_change_without_a_webhook_is_found_at_the_next_request() {
    let (fixture, installation) = fixture().await;
    fixture.github().suspend(installation, Some("olga")).unwrap();
    let answer = fixture.repos("").await.expect_error(422, "VALIDATION");
    assert_eq!(answer.json["error"]["details"]["boundStatus"], "suspended");
    assert_eq!(fixture.binding_field("status").await, "suspended");
}

#[tokio::test]
async fn an_outage_of_github_is_a_502_and_passes() {
    let (fixture, _) = fixture().await;
    fixture.github().add_repository("acme-coffee", "beans", true).unwrap();
    fixture.github().set_fault(FaultRule::new(Fault::Status { code: 502 }).for_path(AT_GITHUB));
    let answer = fixture.repos("").await.expect_error(502, "PLATFORM_ERROR");
    assert_eq!(answer.json["error"]["details"]["platform"], Value::from("github"));
    fixture.github().clear_faults();
    assert_eq!(fixture.page("").await.0.len(), 1);
}

#[tokio::test]
async fn a_new_token_that_github_rejects_is_revoked_and_no_other_is_minted_for_a_while() {
    for code in [404, 401] {
        let (fixture, _) = fixture().await;
        fixture.github().set_fault(FaultRule::new(Fault::Status { code }).for_path(AT_GITHUB));
        let minted = || fixture.github().count_requests("POST", "/api/v3/app/installations/");
        for _ in 0..3 {
            fixture.repos("").await.expect_error(502, "PLATFORM_ERROR");
            assert_eq!((minted(), fixture.github().live_installation_tokens()), (1, 0), "{code}");
        }
        // GitHub may learn of a token late, so a 401 is retried for five seconds, once.
        let asked = fixture.github().count_requests("GET", AT_GITHUB);
        assert!(asked <= 4, "{code}: {asked}");
        fixture.clock.advance(time::Duration::MINUTE);
        fixture.github().clear_faults();
        fixture.repos("").await.expect(200);
    }
}

#[tokio::test]
async fn a_listing_that_outlasts_the_request_goes_on_at_the_next_one_l78() {
    let options = |options: RouterOptions| options.with_deadline(Duration::from_secs(1));
    let fixture = Fixture::with(Setup { policy: ClaimPolicy::State, options, ..Setup::default() }).await;
    fixture.bound().await;
    for number in 0..6_000 {
        fixture.github().add_repository("acme-coffee", &format!("r{number}"), false).unwrap();
    }
    // Twelve seconds, page by page.
    fixture.github().set_fault(FaultRule::new(Fault::Slow { ms: 200 }).for_path(AT_GITHUB));
    let mut cut_off = 0;
    let answer = loop {
        let answer = fixture.repos("?limit=200").await;
        if answer.status == 200 {
            break answer;
        }
        answer.expect_error(503, "UNAVAILABLE");
        cut_off += 1;
        assert!(cut_off < 1_000, "no request reads anything");
    };
    assert_eq!(answer.json["items"].as_array().unwrap().len(), 200);
    let asked = fixture.github().count_requests("GET", AT_GITHUB);
    assert!((60..=60 + 5 * cut_off).contains(&asked), "{asked} requests, {cut_off} cut off");
}

#[tokio::test]
async fn lists_with_missing_entries_a_wrong_total_or_small_pages_are_read_to_their_end_l79() {
    let normal = (None, 0, 0, None);
    for ((page, missing, total_count_off_by, max_per_page), listed, requests) in [
        (normal, 253, 3),
        // The total is not what is listed, so everything is read once more, and only once.
        ((Some(1), 1, 0, None), 252, 2 * 3),
        ((None, 0, 3, None), 253, 2 * 3),
        ((None, 0, -200, None), 253, 2 * 3),
        ((None, 0, 0, Some(30)), 253, 9),
    ] {
        let (fixture, _) = fixture().await;
        for number in 0..253 {
            fixture.github().add_repository("acme-coffee", &format!("r{number}"), false).unwrap();
        }
        let fault = Fault::List { page, missing, total_count_off_by, max_per_page };
        fixture.github().set_fault(FaultRule::new(fault.clone()).for_path(AT_GITHUB));
        let (first, next) = fixture.page("?limit=200").await;
        let (second, end) = fixture.page(&format!("?limit=200&cursor={}", next.unwrap())).await;
        assert_eq!((first.len() + second.len(), end), (listed, None), "{fault:?}");
        assert_eq!(fixture.github().count_requests("GET", AT_GITHUB), requests, "{fault:?}");
    }
}

#[tokio::test]
async fn more_repositories_than_can_be_listed_are_a_422_that_says_what_to_do() {
    let (fixture, installation) = fixture().await;
    let fault = Fault::List { page: None, missing: 0, total_count_off_by: 20_001, max_per_page: None };
    fixture.github().set_fault(FaultRule::new(fault).for_path(AT_GITHUB));
    let answer = fixture.repos("").await.expect_error(422, "VALIDATION");
    let error = &answer.json["error"];
    let details = json!({ "boundInstallationId": installation, "boundStatus": "active" });
    assert_eq!(error["details"], details);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("more than 20,000 repositories") && message.contains("select fewer"),
        "{message}"
    );
}
