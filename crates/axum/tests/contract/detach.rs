//! `DELETE /v1/github/installation` (`contract.md` §3; I3, I7, L-59, L-60).

use dockline::ClaimPolicy;
use dockline_github_sim::{Fault, FaultRule};

use crate::world::{INSTALLATION, World};

async fn bound(world: &World) -> (u64, String) {
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    world.register(&world.acme, installation, &state).await.expect(201);
    (installation, state)
}

#[tokio::test]
async fn after_a_detach_anything_can_be_bound_but_not_with_the_spent_state() {
    let world = World::with_policy(ClaimPolicy::State).await;
    world.delete(&world.acme, INSTALLATION).await.expect_error(404, "NOT_FOUND");
    let (first, spent) = bound(&world).await;
    world.github().clear_requests();
    let gone = world.delete(&world.acme, INSTALLATION).await.expect(204);
    assert_eq!((gone.text.as_str(), gone.header("x-ratelimit-endpoint-class")), ("", "write-light"));
    assert!(world.github().requests().is_empty(), "a local detach never needs GitHub (L-60)");
    world.get(&world.acme, INSTALLATION).await.expect_error(404, "NOT_FOUND");
    world.delete(&world.acme, INSTALLATION).await.expect_error(404, "NOT_FOUND");
    // I3, L-17: a state makes at most one binding ever.
    let other = world.installed("olga", "olga");
    for id in [first, other] {
        let answer = world.register(&world.acme, id, &spent).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), ["installationId not_claimable"]);
    }
    let fresh = world.fresh_state(&world.acme).await;
    world.register(&world.acme, other, &fresh).await.expect(201);
    // And the first is free for whoever proves it.
    let rivals = world.fresh_state(&world.rival).await;
    world.register(&world.rival, first, &rivals).await.expect(201);
}

#[tokio::test]
async fn another_organizations_binding_is_not_touched() {
    let world = World::with_policy(ClaimPolicy::State).await;
    bound(&world).await;
    world.delete(&world.rival, INSTALLATION).await.expect_error(404, "NOT_FOUND");
    world.get(&world.acme, INSTALLATION).await.expect(200);
}

#[tokio::test]
async fn uninstall_removes_the_app_and_its_id_is_dead_for_ever() {
    let world = World::with_policy(ClaimPolicy::State).await;
    let (installation, _) = bound(&world).await;
    world.delete(&world.acme, &format!("{INSTALLATION}?uninstall=true")).await.expect(204);
    assert!(world.github().installation(installation).is_none());
    let fresh = world.fresh_state(&world.acme).await;
    world.register(&world.acme, installation, &fresh).await.expect_error(422, "VALIDATION");
}

#[tokio::test]
async fn an_uninstall_that_github_fails_changes_nothing_and_can_be_repeated() {
    let world = World::with_policy(ClaimPolicy::State).await;
    let (installation, _) = bound(&world).await;
    let path = format!("{INSTALLATION}?uninstall=true");
    world.github().set_fault(FaultRule::new(Fault::Status { code: 503 }).times(1));
    world.delete(&world.acme, &path).await.expect_error(502, "PLATFORM_ERROR");
    world.get(&world.acme, INSTALLATION).await.expect(200);
    // The answer was lost after the effect: the repetition finds it gone, and ends well.
    world.github().uninstall(installation).unwrap();
    world.delete(&world.acme, &path).await.expect(204);
}

#[tokio::test]
async fn a_misspelt_uninstall_is_not_a_detach() {
    let world = World::with_policy(ClaimPolicy::State).await;
    bound(&world).await;
    for (query, issue) in [
        ("uninstall=yes", "uninstall malformed"),
        ("uninstall=", "uninstall malformed"),
        ("uninstal=true", "uninstal unknown_key"),
        ("uninstall=true&uninstall=false", "uninstall duplicate_key"),
    ] {
        let answer = world.delete(&world.acme, &format!("{INSTALLATION}?{query}")).await;
        assert_eq!(answer.expect_error(422, "VALIDATION").issues(), [issue]);
    }
    world.get(&world.acme, INSTALLATION).await.expect(200);
    world.delete(&world.acme, &format!("{INSTALLATION}?uninstall=false")).await.expect(204);
}
