//! Endpoints for an App's JWT.

use crate::support::Fixture;
use reqwest::Method;

#[tokio::test]
async fn app_reads_itself() {
    let fixture = Fixture::new().await;
    let (status, app) = fixture.get_as_app("/app").await;
    assert_eq!(status, 200);
    assert_eq!(app["id"], fixture.app.app_id);
    assert_eq!(app["client_id"], fixture.app.client_id);
    assert_eq!(app["installations_count"], 0);
    assert_eq!(app["html_url"], format!("{}/github-apps/dockline-dev", fixture.running.web));
}

#[tokio::test]
async fn installation_is_read_by_id() {
    let fixture = Fixture::new().await;
    let id = fixture.sim().install_as(50_291_845, fixture.app.app_id, "acme-coffee", "olga").unwrap();
    let (status, installation) = fixture.get_as_app(&format!("/app/installations/{id}")).await;
    assert_eq!(status, 200);
    assert_eq!(installation["id"], 50_291_845);
    assert_eq!(installation["account"]["login"], "acme-coffee");
    assert_eq!(installation["account"]["type"], "Organization");
    assert_eq!(installation["target_type"], "Organization");
    assert_eq!(installation["suspended_at"], serde_json::Value::Null);
}

#[tokio::test]
async fn foreign_removed_and_invalid_installation_ids_are_404() {
    let fixture = Fixture::new().await;
    let other = fixture
        .sim()
        .create_app(dockline_github_sim::NewApp::new("other", "http://127.0.0.1:1/other"))
        .unwrap();
    let foreign = fixture.sim().install(other.app_id, "acme-coffee", "olga").unwrap();
    let removed = fixture.install("acme-coffee");
    fixture.sim().uninstall(removed).unwrap();
    let mut responses = Vec::new();
    for id in [foreign.to_string(), removed.to_string(), "1".into(), "0".into(), "-1".into(), "x".into()] {
        responses.push(fixture.get_as_app(&format!("/app/installations/{id}")).await);
    }
    assert!(
        responses.iter().all(|response| response.0 == 404 && response.1["message"] == "Not Found"),
        "{responses:?}"
    );
    assert!(responses.iter().all(|response| response.1["status"] == "404"));
}

#[tokio::test]
async fn suspended_installation_is_readable() {
    let fixture = Fixture::new().await;
    let id = fixture.install("acme-coffee");
    let path = format!("/app/installations/{id}/suspended");
    assert_eq!(fixture.send(Method::PUT, &path, &fixture.jwt()).await.status(), 204);
    let (status, installation) = fixture.get_as_app(&format!("/app/installations/{id}")).await;
    assert_eq!(status, 200);
    assert!(installation["suspended_at"].is_string());
    assert_eq!(installation["suspended_by"], serde_json::Value::Null);
    assert_eq!(fixture.send(Method::DELETE, &path, &fixture.jwt()).await.status(), 204);
    let (_, installation) = fixture.get_as_app(&format!("/app/installations/{id}")).await;
    assert!(installation["suspended_at"].is_null());
    assert_eq!(
        fixture.send(Method::PUT, "/app/installations/1/suspended", &fixture.jwt()).await.status(),
        404
    );
}

#[tokio::test]
async fn status_of_uninstalling_depends_on_version_and_id_is_not_reused() {
    let fixture = Fixture::new().await;
    for (version, expected) in [("2022-11-28", 204), ("2026-03-10", 202)] {
        let id = fixture.install("acme-coffee");
        let url = format!("{}/app/installations/{id}", fixture.running.api);
        let delete = || {
            let request = fixture.client.delete(&url).bearer_auth(fixture.jwt());
            request.header("X-GitHub-Api-Version", version).send()
        };
        let response = delete().await.unwrap();
        assert_eq!(response.status(), expected);
        assert_eq!(response.headers()["x-github-api-version-selected"], version);
        assert_eq!(delete().await.unwrap().status(), 404);
        assert!(fixture.sim().install_as(id, fixture.app.app_id, "acme-coffee", "olga").is_err());
    }
}

#[tokio::test]
async fn installation_is_found_by_case_insensitive_login() {
    let fixture = Fixture::new().await;
    let (organization, user) = (fixture.install("acme-coffee"), fixture.install("olga"));
    assert_eq!(fixture.get_as_app("/orgs/ACME-Coffee/installation").await.1["id"], organization);
    assert_eq!(fixture.get_as_app("/users/Olga/installation").await.1["id"], user);
    for path in ["/orgs/olga/installation", "/users/mia/installation", "/orgs/unknown/installation"] {
        assert_eq!(fixture.get_as_app(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn rename_keeps_ids() {
    let fixture = Fixture::new().await;
    let id = fixture.install("acme-coffee");
    let before = fixture.get_as_app(&format!("/app/installations/{id}")).await.1;
    fixture.sim().rename("acme-coffee", "acme-tea").unwrap();
    let after = fixture.get_as_app(&format!("/app/installations/{id}")).await.1;
    assert_eq!(after["account"]["login"], "acme-tea");
    assert_eq!(after["account"]["id"], before["account"]["id"]);
    // Another account can take the old login.
    let other = fixture.sim().create_organization("acme-coffee").unwrap();
    assert_ne!(after["account"]["id"], other);
    assert_eq!(fixture.get_as_app("/orgs/acme-coffee/installation").await.0, 404);
}

#[tokio::test]
async fn reinstallation_has_a_new_id() {
    let fixture = Fixture::new().await;
    let first = fixture.install("acme-coffee");
    fixture.sim().uninstall(first).unwrap();
    let second = fixture.install("acme-coffee");
    assert_ne!(first, second);
    assert!(fixture.sim().install(fixture.app.app_id, "acme-coffee", "olga").is_err());
}
