//! Endpoints for a user token.

use crate::support::{CALLBACK, Fixture, status_and_body};
use dockline_github_sim::{MembershipState, NewApp, Role};
use reqwest::Method;
use serde_json::{Value, json};

async fn visible_installations(fixture: &Fixture, login: &str) -> Vec<u64> {
    let (status, body) =
        fixture.get("/user/installations?per_page=100", &fixture.user_token(login).await).await;
    assert_eq!(status, 200);
    let ids: Vec<u64> =
        body["installations"].as_array().unwrap().iter().map(|i| i["id"].as_u64().unwrap()).collect();
    assert_eq!(body["total_count"], ids.len());
    ids
}

#[tokio::test]
async fn user_reads_their_profile() {
    let fixture = Fixture::new().await;
    let (status, user) = fixture.get("/user", &fixture.user_token("olga").await).await;
    assert_eq!((status, user["login"].as_str(), user["type"].as_str()), (200, Some("olga"), Some("User")));
}

#[tokio::test]
async fn members_and_collaborators_see_the_installation() {
    let fixture = Fixture::new().await;
    for login in ["carl", "pia", "stranger"] {
        fixture.sim().create_user(login).unwrap();
    }
    fixture.sim().add_collaborator("acme-coffee", "carl").unwrap();
    fixture.sim().set_membership_state("acme-coffee", "pia", Role::Admin, MembershipState::Pending).unwrap();
    let (organization, own) = (fixture.install("acme-coffee"), fixture.install("olga"));
    assert_eq!(visible_installations(&fixture, "olga").await, [organization, own]);
    assert_eq!(visible_installations(&fixture, "mia").await, [organization]);
    assert_eq!(visible_installations(&fixture, "carl").await, [organization]);
    assert_eq!(visible_installations(&fixture, "pia").await, [0_u64; 0]);
    assert_eq!(visible_installations(&fixture, "stranger").await, [0_u64; 0]);
}

#[tokio::test]
async fn user_token_lists_only_its_apps_installations() {
    let fixture = Fixture::new().await;
    let other = fixture.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    fixture.sim().install(other.app_id, "acme-coffee", "olga").unwrap();
    assert_eq!(visible_installations(&fixture, "olga").await, [0_u64; 0]);
}

#[tokio::test]
async fn installation_lists_are_paged() {
    let fixture = Fixture::new().await;
    for number in 0..35 {
        let login = format!("org-{number}");
        fixture.sim().create_organization(&login).unwrap();
        fixture.sim().set_membership(&login, "olga", Role::Member).unwrap();
        fixture.install(&login);
    }
    let token = fixture.user_token("olga").await;
    let page = async |path: &str| {
        let response = fixture.send(Method::GET, path, &token).await;
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let body: Value = response.json().await.unwrap();
        (body["installations"].as_array().unwrap().len(), body["total_count"].as_u64(), link)
    };
    let base = format!("{}/user/installations", fixture.running.api);
    let next =
        format!("<{base}?per_page=30&page=2>; rel=\"next\", <{base}?per_page=30&page=2>; rel=\"last\"");
    assert_eq!(page("/user/installations").await, (30, Some(35), Some(next)));
    let back =
        format!("<{base}?per_page=30&page=1>; rel=\"prev\", <{base}?per_page=30&page=1>; rel=\"first\"");
    assert_eq!(page("/user/installations?page=2").await, (5, Some(35), Some(back)));
    assert_eq!(page("/user/installations?per_page=1000").await, (35, Some(35), None));
    assert_eq!(page("/user/installations?per_page=0&page=x").await.0, 30);
    assert_eq!(page("/user/installations?page=18446744073709551615").await.0, 0);
    // `GET /app/installations` returns an array.
    let (_, all) = fixture.get_as_app("/app/installations?per_page=34&page=2").await;
    assert_eq!(all.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn membership_shows_role_and_state() {
    let fixture = Fixture::new().await;
    let membership = async |login: &str| {
        let (status, body) =
            fixture.get("/user/memberships/orgs/ACME-coffee", &fixture.user_token(login).await).await;
        (status, body["role"].as_str().map(str::to_owned), body["state"].as_str().map(str::to_owned))
    };
    assert_eq!(membership("olga").await, (200, Some("admin".into()), Some("active".into())));
    assert_eq!(membership("mia").await, (200, Some("member".into()), Some("active".into())));
    fixture.sim().set_membership_state("acme-coffee", "mia", Role::Admin, MembershipState::Pending).unwrap();
    assert_eq!(membership("mia").await, (200, Some("admin".into()), Some("pending".into())));
    fixture.sim().remove_membership("acme-coffee", "mia").unwrap();
    assert_eq!(membership("mia").await.0, 404);
}

#[tokio::test]
async fn membership_needs_the_granted_members_permission() {
    let app = NewApp::new("dockline-dev", CALLBACK).with_permissions([("metadata", "read")]);
    let fixture = Fixture::with(app).await;
    let id = fixture.install("acme-coffee");
    let token = fixture.user_token("olga").await;
    let path = "/user/memberships/orgs/acme-coffee";
    let assert_refused = async || {
        let response = fixture.send(Method::GET, path, &token).await;
        let accepted = response.headers()["x-accepted-github-permissions"].to_str().unwrap().to_owned();
        let (status, body) = status_and_body(response).await;
        assert_eq!((status, accepted.as_str()), (403, "members=read"));
        assert_eq!(body["message"], "Resource not accessible by integration");
    };
    assert_refused().await;
    // The old permissions apply until an owner accepts the new ones.
    let more = [("members".to_owned(), "read".to_owned())];
    fixture.sim().set_app_permissions(fixture.app.app_id, more.into()).unwrap();
    assert_refused().await;
    fixture.sim().accept_permissions(id).unwrap();
    assert_eq!(fixture.get(path, &token).await.0, 200);
}

#[tokio::test]
async fn user_token_ends_by_expiry_or_revocation() {
    let fixture = Fixture::new().await;
    let token = fixture.user_token("olga").await;
    assert_eq!(fixture.sim().live_user_tokens(), 1);
    let url = format!("{}/applications/{}/token", fixture.running.api, fixture.app.client_id);
    let secret = secrecy::ExposeSecret::expose_secret(&fixture.app.client_secret).to_owned();
    let revoke = async |secret: &str, body: Value| {
        let request =
            fixture.client.delete(&url).basic_auth(&fixture.app.client_id, Some(secret)).json(&body);
        status_and_body(request.send().await.unwrap()).await.0
    };
    assert_eq!(revoke("wrong", json!({ "access_token": token })).await, 401);
    assert_eq!(revoke(&secret, json!({})).await, 422);
    assert_eq!(revoke(&secret, json!({ "access_token": "ghu_unknown" })).await, 404);
    assert_eq!(fixture.get("/user", &token).await.0, 200);
    assert_eq!(revoke(&secret, json!({ "access_token": token })).await, 204);
    let (status, body) = fixture.get("/user", &token).await;
    assert_eq!((status, body["message"].as_str()), (401, Some("Bad credentials")));
    assert_eq!(revoke(&secret, json!({ "access_token": token })).await, 404);
    assert_eq!(fixture.sim().live_user_tokens(), 0);

    let token = fixture.user_token("olga").await;
    fixture.sim().advance_clock(28_740);
    assert_eq!(fixture.get("/user", &token).await.0, 200);
    fixture.sim().advance_clock(60);
    assert_eq!(fixture.get("/user", &token).await.0, 401);
    assert_eq!(fixture.sim().live_user_tokens(), 0);
}

#[tokio::test]
async fn other_app_cannot_revoke_the_user_token() {
    let fixture = Fixture::new().await;
    let other = fixture.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let token = fixture.user_token("olga").await;
    let secret = secrecy::ExposeSecret::expose_secret(&other.client_secret).to_owned();
    for client_id in [&other.client_id, &fixture.app.client_id] {
        let url = format!("{}/applications/{client_id}/token", fixture.running.api);
        let request = fixture.client.delete(url).basic_auth(&other.client_id, Some(&secret));
        assert_eq!(request.json(&json!({ "access_token": token })).send().await.unwrap().status(), 404);
    }
    assert_eq!(fixture.get("/user", &token).await.0, 200);
}
