//! `DELETE /v1/github/installation` (I3, I7, L-59, L-60).

use dockline::ClaimPolicy;
use dockline_github_sim::{Fault, FaultRule};

use crate::fixture::{Fixture, INSTALLATION};

async fn bound(fixture: &Fixture) -> (u64, String) {
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
    (installation, state)
}

#[tokio::test]
async fn after_a_detach_anything_can_be_bound_but_not_with_the_spent_state() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    fixture.delete(&fixture.acme, INSTALLATION).await.expect_error(404, "NOT_FOUND");
    let (first, spent) = bound(&fixture).await;
    fixture.github().clear_requests();
    let gone = fixture.delete(&fixture.acme, INSTALLATION).await.expect(204);
    assert_eq!((gone.text.as_str(), gone.header("x-ratelimit-endpoint-class")), ("", "write-light"));
    assert!(fixture.github().requests().is_empty(), "a local detach never needs GitHub (L-60)");
    fixture.get(&fixture.acme, INSTALLATION).await.expect_error(404, "NOT_FOUND");
    fixture.delete(&fixture.acme, INSTALLATION).await.expect_error(404, "NOT_FOUND");
    // I3, L-17: a state makes at most one binding ever.
    let other = fixture.installed("olga", "olga");
    for id in [first, other] {
        let answer = fixture.register(&fixture.acme, id, &spent).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), ["installationId not_claimable"]);
    }
    let fresh = fixture.fresh_state(&fixture.acme).await;
    fixture.register(&fixture.acme, other, &fresh).await.expect(201);
    // The first installation is free for another organization that proves control.
    let rivals = fixture.fresh_state(&fixture.rival).await;
    fixture.register(&fixture.rival, first, &rivals).await.expect(201);
}

#[tokio::test]
async fn another_organizations_binding_is_not_touched() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    bound(&fixture).await;
    fixture.delete(&fixture.rival, INSTALLATION).await.expect_error(404, "NOT_FOUND");
    fixture.get(&fixture.acme, INSTALLATION).await.expect(200);
}

#[tokio::test]
async fn uninstall_removes_the_app_and_its_id_is_dead_for_ever() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let (installation, _) = bound(&fixture).await;
    fixture.delete(&fixture.acme, &format!("{INSTALLATION}?uninstall=true")).await.expect(204);
    assert!(fixture.github().installation(installation).is_none());
    let fresh = fixture.fresh_state(&fixture.acme).await;
    fixture.register(&fixture.acme, installation, &fresh).await.expect_error(422, "VALIDATION");
}

#[tokio::test]
async fn an_uninstall_without_an_answer_keeps_the_binding_and_can_be_repeated_c04() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let (installation, _) = bound(&fixture).await;
    let path = format!("{INSTALLATION}?uninstall=true");
    fixture.github().set_fault(FaultRule::new(Fault::Status { code: 503 }).times(1));
    let lost = fixture.delete(&fixture.acme, &path).await.expect_error(502, "PLATFORM_ERROR");
    let details = serde_json::json!({ "platform": "github", "uninstall": "unknown" });
    assert_eq!(lost.json["error"]["details"], details);
    fixture.get(&fixture.acme, INSTALLATION).await.expect(200);
    // The response was lost after the effect: the repetition succeeds.
    fixture.github().uninstall(installation).unwrap();
    fixture.delete(&fixture.acme, &path).await.expect(204);
}

#[tokio::test]
async fn a_404_to_the_uninstall_of_an_installation_that_github_shows_is_a_502_c03() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let (installation, _) = bound(&fixture).await;
    let rule = FaultRule::new(Fault::Status { code: 404 })
        .for_path(&format!("/api/v3/app/installations/{installation}"))
        .times(1);
    fixture.github().set_fault(rule);
    let path = format!("{INSTALLATION}?uninstall=true");
    fixture.delete(&fixture.acme, &path).await.expect_error(502, "PLATFORM_ERROR");
    assert!(fixture.github().installation(installation).is_some());
    assert_eq!(fixture.binding_field("status").await, "active");
    fixture.delete(&fixture.acme, &path).await.expect(204);
    assert!(fixture.github().installation(installation).is_none());
}

#[tokio::test]
async fn a_misspelt_uninstall_is_not_a_detach() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    bound(&fixture).await;
    for (query, issue) in [
        ("uninstall=yes", "uninstall malformed"),
        ("uninstall=", "uninstall malformed"),
        ("uninstal=true", "uninstal unknown_key"),
        ("uninstall=true&uninstall=false", "uninstall duplicate_key"),
    ] {
        let answer = fixture.delete(&fixture.acme, &format!("{INSTALLATION}?{query}")).await;
        assert_eq!(answer.expect_error(422, "VALIDATION").issues(), [issue]);
    }
    fixture.get(&fixture.acme, INSTALLATION).await.expect(200);
    fixture.delete(&fixture.acme, &format!("{INSTALLATION}?uninstall=false")).await.expect(204);
}
