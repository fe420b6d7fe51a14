//! What an App is told with its JWT.

use crate::support::World;
use reqwest::Method;

#[tokio::test]
async fn an_app_reads_itself() {
    let world = World::new().await;
    let (status, app) = world.as_app("/app").await;
    assert_eq!(status, 200);
    assert_eq!(app["id"], world.app.app_id);
    assert_eq!(app["client_id"], world.app.client_id);
    assert_eq!(app["installations_count"], 0);
    assert_eq!(app["html_url"], format!("{}/github-apps/dockline-dev", world.running.web));
}

#[tokio::test]
async fn an_installation_is_read_whole() {
    let world = World::new().await;
    let id = world.sim().install_as(50_291_845, world.app.app_id, "acme-coffee", "olga").unwrap();
    let (status, installation) = world.as_app(&format!("/app/installations/{id}")).await;
    assert_eq!(status, 200);
    assert_eq!(installation["id"], 50_291_845);
    assert_eq!(installation["account"]["login"], "acme-coffee");
    assert_eq!(installation["account"]["type"], "Organization");
    assert_eq!(installation["target_type"], "Organization");
    assert_eq!(installation["suspended_at"], serde_json::Value::Null);
}

#[tokio::test]
async fn foreign_removed_and_impossible_ids_look_the_same() {
    let world = World::new().await;
    let other = world
        .sim()
        .create_app(dockline_github_sim::NewApp::new("other", "http://127.0.0.1:1/other"))
        .unwrap();
    let foreign = world.sim().install(other.app_id, "acme-coffee", "olga").unwrap();
    let removed = world.install("acme-coffee");
    world.sim().uninstall(removed).unwrap();
    let mut answers = Vec::new();
    for id in [foreign.to_string(), removed.to_string(), "1".into(), "0".into(), "-1".into(), "x".into()] {
        answers.push(world.as_app(&format!("/app/installations/{id}")).await);
    }
    assert!(
        answers.iter().all(|answer| answer.0 == 404 && answer.1["message"] == "Not Found"),
        "{answers:?}"
    );
    assert!(answers.iter().all(|answer| answer.1["status"] == "404"));
}

#[tokio::test]
async fn a_suspended_installation_still_answers() {
    let world = World::new().await;
    let id = world.install("acme-coffee");
    let path = format!("/app/installations/{id}/suspended");
    assert_eq!(world.send(Method::PUT, &path, &world.jwt()).await.status(), 204);
    let (status, installation) = world.as_app(&format!("/app/installations/{id}")).await;
    assert_eq!(status, 200);
    assert!(installation["suspended_at"].is_string());
    assert_eq!(installation["suspended_by"], serde_json::Value::Null);
    assert_eq!(world.send(Method::DELETE, &path, &world.jwt()).await.status(), 204);
    let (_, installation) = world.as_app(&format!("/app/installations/{id}")).await;
    assert!(installation["suspended_at"].is_null());
    assert_eq!(world.send(Method::PUT, "/app/installations/1/suspended", &world.jwt()).await.status(), 404);
}

#[tokio::test]
async fn uninstalling_answers_by_version_and_the_id_is_gone_for_ever() {
    let world = World::new().await;
    for (version, expected) in [("2022-11-28", 204), ("2026-03-10", 202)] {
        let id = world.install("acme-coffee");
        let url = format!("{}/app/installations/{id}", world.running.api);
        let delete = || {
            let request = world.client.delete(&url).bearer_auth(world.jwt());
            request.header("X-GitHub-Api-Version", version).send()
        };
        let response = delete().await.unwrap();
        assert_eq!(response.status(), expected);
        assert_eq!(response.headers()["x-github-api-version-selected"], version);
        assert_eq!(delete().await.unwrap().status(), 404);
        assert!(world.sim().install_as(id, world.app.app_id, "acme-coffee", "olga").is_err());
    }
}

#[tokio::test]
async fn installations_are_found_by_login_whatever_its_case() {
    let world = World::new().await;
    let (organization, user) = (world.install("acme-coffee"), world.install("olga"));
    assert_eq!(world.as_app("/orgs/ACME-Coffee/installation").await.1["id"], organization);
    assert_eq!(world.as_app("/users/Olga/installation").await.1["id"], user);
    for path in ["/orgs/olga/installation", "/users/mia/installation", "/orgs/nobody/installation"] {
        assert_eq!(world.as_app(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_rename_keeps_the_ids() {
    let world = World::new().await;
    let id = world.install("acme-coffee");
    let before = world.as_app(&format!("/app/installations/{id}")).await.1;
    world.sim().rename("acme-coffee", "acme-tea").unwrap();
    let after = world.as_app(&format!("/app/installations/{id}")).await.1;
    assert_eq!(after["account"]["login"], "acme-tea");
    assert_eq!(after["account"]["id"], before["account"]["id"]);
    // The old name can be taken by somebody else.
    let taker = world.sim().create_organization("acme-coffee").unwrap();
    assert_ne!(after["account"]["id"], taker);
    assert_eq!(world.as_app("/orgs/acme-coffee/installation").await.0, 404);
}

#[tokio::test]
async fn a_reinstall_has_a_new_id_on_the_same_account() {
    let world = World::new().await;
    let first = world.install("acme-coffee");
    world.sim().uninstall(first).unwrap();
    let second = world.install("acme-coffee");
    assert_ne!(first, second);
    assert!(world.sim().install(world.app.app_id, "acme-coffee", "olga").is_err());
}
