//! Apps check, reset, scope and revoke user tokens.

use crate::rest::openapi::agrees;
use crate::support::{Fixture, status_and_body};
use dockline_github_sim::Role;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

async fn call(fixture: &Fixture, method: Method, below: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/applications/{}{below}", fixture.running.api, fixture.app.client_id);
    let secret = fixture.app.client_secret.expose_secret();
    let request = fixture.client.request(method, url).basic_auth(&fixture.app.client_id, Some(secret));
    status_and_body(request.json(body).send().await.unwrap()).await
}

#[tokio::test]
async fn token_is_checked_and_reset() {
    let fixture = Fixture::new().await;
    let token = fixture.user_token("olga").await;
    let body = json!({ "access_token": token });
    let (status, checked) = call(&fixture, Method::POST, "/token", &body).await;
    assert_eq!((status, &checked["user"]["login"], &checked["token"]), (200, &json!("olga"), &json!(token)));
    assert_eq!(checked["app"]["client_id"], fixture.app.client_id);
    assert!(token.ends_with(checked["token_last_eight"].as_str().unwrap()));
    let (status, reset) = call(&fixture, Method::PATCH, "/token", &body).await;
    let new = reset["token"].as_str().unwrap();
    assert_eq!((status, new == token), (200, false));
    assert_eq!([fixture.get("/user", &token).await.0, fixture.get("/user", new).await.0], [401, 200]);
    assert_eq!(call(&fixture, Method::POST, "/token", &body).await.0, 404);
    assert_eq!(call(&fixture, Method::PATCH, "/token", &body).await.0, 404);
    let (status, missing) = call(&fixture, Method::POST, "/token", &json!({})).await;
    assert_eq!(
        (status, &missing["message"]),
        (422, &json!("Invalid request.\n\n\"access_token\" wasn't supplied."))
    );
}

#[tokio::test]
async fn scoped_token_sees_one_installation_and_the_requested_repositories() {
    let fixture = Fixture::new().await;
    let ids = fixture.repositories(&["beans", "roaster"]);
    let (acme, own) = (fixture.install("acme-coffee"), fixture.install("olga"));
    let token = fixture.user_token("olga").await;
    let body = json!({
        "access_token": token,
        "target": "acme-coffee",
        "repository_ids": [ids[0]],
        "permissions": { "contents": "read" },
    });
    let (status, scoped) = call(&fixture, Method::POST, "/token/scoped", &body).await;
    assert_eq!((status, &scoped["installation"]["permissions"]["contents"]), (200, &json!("read")));
    assert_eq!(scoped["installation"]["repository_selection"], "selected");
    let scoped = scoped["token"].as_str().unwrap();
    let (_, seen) = fixture.get("/user/installations", scoped).await;
    assert_eq!((&seen["total_count"], &seen["installations"][0]["id"]), (&json!(1), &json!(acme)));
    let (_, seen) = fixture.get(&format!("/user/installations/{acme}/repositories"), scoped).await;
    assert_eq!((&seen["total_count"], &seen["repositories"][0]["name"]), (&json!(1), &json!("beans")));
    assert_eq!(fixture.get(&format!("/user/installations/{own}/repositories"), scoped).await.0, 404);
    assert_eq!(fixture.get("/repos/acme-coffee/roaster", scoped).await.0, 404);
    let unknown = json!({ "access_token": token, "target": "unknown" });
    assert_eq!(call(&fixture, Method::POST, "/token/scoped", &unknown).await.0, 404);
}

#[tokio::test]
async fn revoked_grant_ends_all_tokens_of_the_user() {
    let fixture = Fixture::new().await;
    let (first, second) = (fixture.user_token("olga").await, fixture.user_token("olga").await);
    let mia = fixture.user_token("mia").await;
    assert_eq!(call(&fixture, Method::DELETE, "/grant", &json!({ "access_token": first })).await.0, 204);
    let after = [fixture.get("/user", &first).await.0, fixture.get("/user", &second).await.0];
    assert_eq!((after, fixture.get("/user", &mia).await.0), ([401, 401], 200));
    assert_eq!(call(&fixture, Method::DELETE, "/grant", &json!({ "access_token": first })).await.0, 404);
}

#[tokio::test]
async fn user_lists_organizations_memberships_and_repositories() {
    let fixture = Fixture::new().await;
    fixture.sim().create_organization("tea").unwrap();
    let pending = dockline_github_sim::MembershipState::Pending;
    fixture.sim().set_membership_state("tea", "mia", Role::Member, pending).unwrap();
    fixture.repositories(&["beans"]);
    let (acme, tea) = (fixture.install("acme-coffee"), fixture.install("tea"));
    let mia = fixture.user_token("mia").await;
    let (_, organizations) = fixture.get("/user/orgs", &mia).await;
    assert_eq!(
        (organizations.as_array().unwrap().len(), &organizations[0]["login"]),
        (1, &json!("acme-coffee"))
    );
    for (query, expected) in [("", 2), ("?state=active", 1), ("?state=pending", 1)] {
        let (_, all) = fixture.get(&format!("/user/memberships/orgs{query}"), &mia).await;
        assert_eq!(all.as_array().unwrap().len(), expected, "{query}");
    }
    assert_eq!(fixture.get("/user/memberships/orgs?state=x", &mia).await.0, 422);
    let (status, body) = fixture.get(&format!("/user/installations/{acme}/repositories"), &mia).await;
    assert_eq!((status, &body["total_count"]), (200, &json!(1)));
    assert_eq!(body["repositories"][0]["permissions"]["admin"], false);
    assert_eq!(fixture.get(&format!("/user/installations/{tea}/repositories"), &mia).await.0, 404);
    assert_eq!(fixture.get("/user/installations/1/repositories", &mia).await.0, 404);
}

#[tokio::test]
async fn app_changes_its_webhook() {
    let fixture = Fixture::new().await;
    let url = format!("{}/app/hook/config", fixture.running.api);
    let patch = async |body: Value| {
        let request = fixture.client.patch(&url).bearer_auth(fixture.jwt()).json(&body);
        status_and_body(request.send().await.unwrap()).await
    };
    let (status, config) =
        patch(json!({ "url": "http://127.0.0.1:1/new", "content_type": "form", "secret": "new secret" }))
            .await;
    assert_eq!(
        (status, &config["url"], &config["content_type"]),
        (200, &json!("http://127.0.0.1:1/new"), &json!("form"))
    );
    assert_eq!(fixture.get_as_app("/app/hook/config").await.1, config);
    let credentials = fixture.sim().credentials(fixture.app.app_id).unwrap();
    assert_eq!(credentials.webhook_secret.expose_secret(), "new secret");
    let ping = fixture.sim().deliveries();
    assert_eq!((ping.len(), ping[0].event.as_str()), (1, "ping"));
    let (status, refused) = patch(json!({ "content_type": "xml" })).await;
    let expected =
        "Invalid request.\n\nFor 'properties/content_type', \"xml\" is not a member of [\"json\", \"form\"].";
    assert_eq!((status, &refused["message"]), (422, &json!(expected)));
    assert_eq!(patch(json!({ "url": "ftp://x" })).await.0, 422);
}

#[tokio::test]
async fn checked_and_scoped_tokens_match_the_schema() {
    let fixture = Fixture::new().await;
    fixture.install("acme-coffee");
    let token = fixture.user_token("olga").await;
    let url = format!("{}/applications/{}/token", fixture.running.api, fixture.app.client_id);
    let secret = fixture.app.client_secret.expose_secret();
    let body = json!({ "access_token": token, "target": "acme-coffee" });
    for (method, below) in [(Method::POST, ""), (Method::POST, "/scoped"), (Method::PATCH, "")] {
        let request = fixture.client.request(method.clone(), format!("{url}{below}"));
        let request = request.basic_auth(&fixture.app.client_id, Some(secret)).json(&body);
        let (status, answer) = status_and_body(request.send().await.unwrap()).await;
        assert_eq!(status, 200, "{answer}");
        agrees(&format!("{method} /applications/{{client_id}}/token{below} 200"), &answer);
    }
    let request = fixture.client.patch(format!("{}/app/hook/config", fixture.running.api));
    let request = request.bearer_auth(fixture.jwt()).json(&json!({ "content_type": "form" }));
    agrees("PATCH /app/hook/config 200", &request.send().await.unwrap().json().await.unwrap());
}
