//! What a person is told through an App.

use crate::support::{CALLBACK, World, answer};
use dockline_github_sim::{MembershipState, NewApp, Role};
use reqwest::Method;
use serde_json::{Value, json};

async fn seen(world: &World, login: &str) -> Vec<u64> {
    let (status, body) = world.get("/user/installations?per_page=100", &world.user_token(login)).await;
    assert_eq!(status, 200);
    let ids: Vec<u64> =
        body["installations"].as_array().unwrap().iter().map(|i| i["id"].as_u64().unwrap()).collect();
    assert_eq!(body["total_count"], ids.len());
    ids
}

#[tokio::test]
async fn a_person_reads_themselves() {
    let world = World::new().await;
    let (status, user) = world.get("/user", &world.user_token("olga")).await;
    assert_eq!((status, user["login"].as_str(), user["type"].as_str()), (200, Some("olga"), Some("User")));
}

#[tokio::test]
async fn seeing_an_installation_is_not_administering_it() {
    let world = World::new().await;
    for login in ["carl", "pia", "stranger"] {
        world.sim().create_user(login).unwrap();
    }
    world.sim().add_collaborator("acme-coffee", "carl").unwrap();
    world.sim().set_membership_state("acme-coffee", "pia", Role::Admin, MembershipState::Pending).unwrap();
    let (organization, own) = (world.install("acme-coffee"), world.install("olga"));
    assert_eq!(seen(&world, "olga").await, [organization, own]);
    assert_eq!(seen(&world, "mia").await, [organization]);
    assert_eq!(seen(&world, "carl").await, [organization]);
    assert_eq!(seen(&world, "pia").await, [0_u64; 0]);
    assert_eq!(seen(&world, "stranger").await, [0_u64; 0]);
}

#[tokio::test]
async fn a_token_sees_its_own_apps_installations_only() {
    let world = World::new().await;
    let other = world.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    world.sim().install(other.app_id, "acme-coffee", "olga").unwrap();
    assert_eq!(seen(&world, "olga").await, [0_u64; 0]);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let world = World::new().await;
    for number in 0..35 {
        let login = format!("org-{number}");
        world.sim().create_organization(&login).unwrap();
        world.sim().set_membership(&login, "olga", Role::Member).unwrap();
        world.install(&login);
    }
    let token = world.user_token("olga");
    let page = async |path: &str| {
        let response = world.send(Method::GET, path, &token).await;
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let body: Value = response.json().await.unwrap();
        (body["installations"].as_array().unwrap().len(), body["total_count"].as_u64(), link)
    };
    let base = format!("{}/user/installations", world.running.api);
    let next =
        format!("<{base}?per_page=30&page=2>; rel=\"next\", <{base}?per_page=30&page=2>; rel=\"last\"");
    assert_eq!(page("/user/installations").await, (30, Some(35), Some(next)));
    let back =
        format!("<{base}?per_page=30&page=1>; rel=\"prev\", <{base}?per_page=30&page=1>; rel=\"first\"");
    assert_eq!(page("/user/installations?page=2").await, (5, Some(35), Some(back)));
    assert_eq!(page("/user/installations?per_page=1000").await, (35, Some(35), None));
    assert_eq!(page("/user/installations?per_page=0&page=x").await.0, 30);
    assert_eq!(page("/user/installations?page=18446744073709551615").await.0, 0);
    // The App's own list is an array.
    let (_, all) = world.as_app("/app/installations?per_page=34&page=2").await;
    assert_eq!(all.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_membership_tells_role_and_state() {
    let world = World::new().await;
    let of = async |login: &str| {
        let (status, body) = world.get("/user/memberships/orgs/ACME-coffee", &world.user_token(login)).await;
        (status, body["role"].as_str().map(str::to_owned), body["state"].as_str().map(str::to_owned))
    };
    assert_eq!(of("olga").await, (200, Some("admin".into()), Some("active".into())));
    assert_eq!(of("mia").await, (200, Some("member".into()), Some("active".into())));
    world.sim().set_membership_state("acme-coffee", "mia", Role::Admin, MembershipState::Pending).unwrap();
    assert_eq!(of("mia").await, (200, Some("admin".into()), Some("pending".into())));
    world.sim().remove_membership("acme-coffee", "mia").unwrap();
    assert_eq!(of("mia").await.0, 404);
}

#[tokio::test]
async fn reading_memberships_needs_the_granted_permission() {
    let app = NewApp::new("dockline-dev", CALLBACK).with_permissions([("metadata", "read")]);
    let world = World::with(app).await;
    let id = world.install("acme-coffee");
    let token = world.user_token("olga");
    let path = "/user/memberships/orgs/acme-coffee";
    let refused = async || {
        let response = world.send(Method::GET, path, &token).await;
        let accepted = response.headers()["x-accepted-github-permissions"].to_str().unwrap().to_owned();
        let (status, body) = answer(response).await;
        assert_eq!((status, accepted.as_str()), (403, "members=read"));
        assert_eq!(body["message"], "Resource not accessible by integration");
    };
    refused().await;
    // The App asks for more; until an owner accepts, the old permissions hold.
    let more = [("members".to_owned(), "read".to_owned())];
    world.sim().set_app_permissions(world.app.app_id, more.into()).unwrap();
    refused().await;
    world.sim().accept_permissions(id).unwrap();
    assert_eq!(world.get(path, &token).await.0, 200);
}

#[tokio::test]
async fn a_token_ends_by_time_or_by_revocation() {
    let world = World::new().await;
    let token = world.user_token("olga");
    assert_eq!(world.sim().live_user_tokens(), 1);
    let url = format!("{}/applications/{}/token", world.running.api, world.app.client_id);
    let secret = secrecy::ExposeSecret::expose_secret(&world.app.client_secret).to_owned();
    let revoke = async |secret: &str, body: Value| {
        let request = world.client.delete(&url).basic_auth(&world.app.client_id, Some(secret)).json(&body);
        answer(request.send().await.unwrap()).await.0
    };
    assert_eq!(revoke("wrong", json!({ "access_token": token })).await, 401);
    assert_eq!(revoke(&secret, json!({})).await, 422);
    assert_eq!(revoke(&secret, json!({ "access_token": "ghu_unknown" })).await, 404);
    assert_eq!(world.get("/user", &token).await.0, 200);
    assert_eq!(revoke(&secret, json!({ "access_token": token })).await, 204);
    let (status, body) = world.get("/user", &token).await;
    assert_eq!((status, body["message"].as_str()), (401, Some("Bad credentials")));
    assert_eq!(revoke(&secret, json!({ "access_token": token })).await, 404);
    assert_eq!(world.sim().live_user_tokens(), 0);

    let token = world.user_token("olga");
    world.sim().advance_clock(28_740);
    assert_eq!(world.get("/user", &token).await.0, 200);
    world.sim().advance_clock(60);
    assert_eq!(world.get("/user", &token).await.0, 401);
    assert_eq!(world.sim().live_user_tokens(), 0);
}

#[tokio::test]
async fn another_app_cannot_revoke_the_token() {
    let world = World::new().await;
    let other = world.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let token = world.user_token("olga");
    let secret = secrecy::ExposeSecret::expose_secret(&other.client_secret).to_owned();
    for client_id in [&other.client_id, &world.app.client_id] {
        let url = format!("{}/applications/{client_id}/token", world.running.api);
        let request = world.client.delete(url).basic_auth(&other.client_id, Some(&secret));
        assert_eq!(request.json(&json!({ "access_token": token })).send().await.unwrap().status(), 404);
    }
    assert_eq!(world.get("/user", &token).await.0, 200);
}
