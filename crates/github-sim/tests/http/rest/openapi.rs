//! Responses match GitHub's OpenAPI description (`.ci/github-openapi`).

use crate::rest::installation_requests::request_installation;
use crate::support::{CALLBACK, Fixture, status_and_body};
use crate::webhooks::receiver::WebhookFixture;
use dockline_github_sim::{DeliveryMode, MembershipState, NewApp, NewRepository, Role};
use jsonschema::Validator;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

fn description() -> Value {
    serde_json::from_str(include_str!("../../github-openapi.json")).unwrap()
}

/// Returns the validator of a response, such as `GET /app 200`. With `closed` it also rejects fields that the description does not list.
pub(crate) fn validator(response: &str, closed: bool) -> Validator {
    let description = description();
    let mut schema = match description["responses"].get(response) {
        Some(schema) => schema.clone(),
        None => json!({ "$ref": format!("#/$defs/{response}") }),
    };
    schema["$defs"] = description["$defs"].clone();
    if closed {
        close(&mut schema);
    }
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object)
                && members.get("type") == Some(&json!("object"))
            {
                members.entry("additionalProperties").or_insert(json!(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[track_caller]
pub(crate) fn agrees(response: &str, body: &Value) {
    let validator = validator(response, response.ends_with(" 200") || response.ends_with(" 201"));
    let errors: Vec<String> =
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{response}: {errors:?}\n{body:#}");
}

/// The description requires no field of errors, so this checks them.
#[track_caller]
pub(crate) fn agrees_as_error(status: u16, response: &(u16, Value)) {
    assert_eq!(response.0, status, "{response:?}");
    agrees("basic-error", &response.1);
    assert_eq!(response.1["status"], status.to_string());
    assert!(response.1["message"].is_string() && response.1["documentation_url"].is_string());
}

#[tokio::test]
async fn hook_config_matches_the_schema() {
    let fixture = Fixture::new().await;
    let (status, bare) = fixture.get_as_app("/app/hook/config").await;
    assert_eq!((status, bare.get("url"), &bare["secret"]), (200, None, &json!("********")));
    agrees("GET /app/hook/config 200", &bare);
    let app = NewApp::new("webhooks", CALLBACK)
        .with_webhook_url("https://api.example.com/hooks")
        .with_webhook_secret("");
    let app = fixture.sim().create_app(app).unwrap();
    let (_, config) = Fixture { app, ..fixture }.get_as_app("/app/hook/config").await;
    assert_eq!(
        config,
        json!({ "url": "https://api.example.com/hooks", "content_type": "json", "insecure_ssl": "0" })
    );
    agrees("GET /app/hook/config 200", &config);
}

const GET: &str = "GET /app/installations/{installation_id} 200";

#[tokio::test]
async fn app_matches_the_schema() {
    let fixture = Fixture::new().await;
    fixture.install("acme-coffee");
    agrees("GET /app 200", &fixture.get_as_app("/app").await.1);
    fixture.sim().create_enterprise("acme-inc").unwrap();
    let mut app = NewApp::new("enterprises-own", CALLBACK);
    app.owner = Some("acme-inc".into());
    let fixture = {
        let credentials = fixture.sim().create_app(app).unwrap();
        Fixture { app: credentials, ..fixture }
    };
    let (_, app) = fixture.get_as_app("/app").await;
    assert_eq!(app["owner"]["slug"], "acme-inc");
    agrees("GET /app 200", &app);
}

#[tokio::test]
async fn installations_of_every_account_kind_match_the_schema() {
    let fixture = Fixture::new().await;
    fixture.sim().create_enterprise("acme-inc").unwrap();
    for account in ["acme-coffee", "olga", "acme-inc"] {
        let id = fixture.install(account);
        let (_, installation) = fixture.get_as_app(&format!("/app/installations/{id}")).await;
        agrees(GET, &installation);
        assert_eq!(installation["account"].get("login").is_none(), account == "acme-inc");
        fixture.sim().suspend(id, Some("olga")).unwrap();
        let (_, suspended) = fixture.get_as_app(&format!("/app/installations/{id}")).await;
        agrees(GET, &suspended);
        assert_eq!(suspended["suspended_by"]["login"], "olga");
        fixture.sim().null_account(id).unwrap();
        let (_, hidden) = fixture.get_as_app(&format!("/app/installations/{id}")).await;
        agrees(GET, &hidden);
        assert!(hidden["account"].is_null() && hidden["target_id"].is_u64());
    }
    let (_, list) = fixture.get_as_app("/app/installations").await;
    assert_eq!(list.as_array().unwrap().len(), 3);
    // The schema of the list requires an account to be both a user and an enterprise, which only null is.
    let in_list = validator("GET /app/installations 200", false);
    assert!(in_list.is_valid(&list));
    fixture.install("mia");
    let (_, list) = fixture.get_as_app("/app/installations").await;
    assert!(in_list.iter_errors(&list).all(|error| error.instance_path().as_str() == "/3/account"));
    list.as_array().unwrap().iter().for_each(|installation| agrees(GET, installation));
    agrees("GET /orgs/{org}/installation 200", &fixture.get_as_app("/orgs/acme-coffee/installation").await.1);
    agrees("GET /users/{username}/installation 200", &fixture.get_as_app("/users/olga/installation").await.1);
}

#[tokio::test]
async fn user_endpoints_match_the_schema() {
    let fixture = Fixture::new().await;
    fixture.install("acme-coffee");
    fixture.install("olga");
    let token = fixture.user_token("olga").await;
    agrees("GET /user 200", &fixture.get("/user", &token).await.1);
    agrees("GET /user/installations 200", &fixture.get("/user/installations", &token).await.1);
    let membership = "GET /user/memberships/orgs/{org} 200";
    agrees(membership, &fixture.get("/user/memberships/orgs/acme-coffee", &token).await.1);
    fixture
        .sim()
        .set_membership_state("acme-coffee", "olga", Role::Member, MembershipState::Pending)
        .unwrap();
    agrees(membership, &fixture.get("/user/memberships/orgs/acme-coffee", &token).await.1);
}

#[tokio::test]
async fn deliveries_and_installation_requests_match_the_schema() {
    let webhooks = WebhookFixture::new().await;
    let fixture = &webhooks.fixture;
    fixture.install("olga");
    webhooks.receiver.respond_with(500);
    fixture.sim().ping(fixture.app.app_id).unwrap();
    webhooks.received().await;
    fixture.sim().set_delivery_mode(DeliveryMode::Dropped);
    fixture.sim().ping(fixture.app.app_id).unwrap();
    let (_, list) = fixture.get_as_app("/app/hook/deliveries").await;
    agrees("GET /app/hook/deliveries 200", &list);
    assert_eq!(list.as_array().unwrap().len(), 3);
    for delivery in list.as_array().unwrap() {
        let (_, whole) = fixture.get_as_app(&format!("/app/hook/deliveries/{}", delivery["id"])).await;
        agrees("GET /app/hook/deliveries/{delivery_id} 200", &whole);
    }
    let attempt = format!("/app/hook/deliveries/{}/attempts", list[0]["id"]);
    let attempted = status_and_body(fixture.send(Method::POST, &attempt, &fixture.jwt()).await).await;
    assert_eq!(attempted.0, 202);
    agrees("POST /app/hook/deliveries/{delivery_id}/attempts 202", &attempted.1);
    let bad = fixture.get_as_app("/app/hook/deliveries?cursor=x").await;
    agrees_as_error(400, &bad);
    agrees("GET /app/hook/deliveries 400", &bad.1);
    agrees_as_error(404, &fixture.get_as_app("/app/hook/deliveries/1").await);
    request_installation(fixture).await;
    let (_, requests) = fixture.get_as_app("/app/installation-requests").await;
    assert_eq!(requests.as_array().unwrap().len(), 1);
    agrees("GET /app/installation-requests 200", &requests);
}

#[tokio::test]
async fn errors_match_the_schema() {
    let fixture =
        Fixture::with(NewApp::new("dockline-dev", CALLBACK).with_permissions([("metadata", "read")])).await;
    let token = fixture.user_token("olga").await;
    agrees_as_error(401, &fixture.get("/app", "rubbish").await);
    agrees_as_error(401, &fixture.get("/user", "rubbish").await);
    agrees_as_error(401, &fixture.get("/user/installations", &fixture.jwt()).await);
    agrees_as_error(403, &fixture.get("/user/memberships/orgs/acme-coffee", &token).await);
    agrees_as_error(404, &fixture.get("/user/memberships/orgs/unknown", &token).await);
    agrees_as_error(404, &fixture.get_as_app("/app/installations/1").await);
    agrees_as_error(404, &fixture.get_as_app("/orgs/acme-coffee/installation").await);
    let url = format!("{}/applications/{}/token", fixture.running.api, fixture.app.client_id);
    let secret = fixture.app.client_secret.expose_secret();
    let request =
        fixture.client.request(Method::DELETE, url).basic_auth(&fixture.app.client_id, Some(secret));
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    agrees("DELETE /applications/{client_id}/token 422", &body);
}

const MINT: &str = "POST /app/installations/{installation_id}/access_tokens";

#[tokio::test]
async fn installation_token_and_repositories_match_the_schema() {
    let fixture = Fixture::new().await;
    let ids = fixture.repositories(&["beans", "roaster"]);
    let new = NewRepository::new("site").with_language(Some("Rust")).with_default_branch("trunk");
    fixture.sim().create_repository("acme-coffee", new).unwrap();
    let installation = fixture.install("acme-coffee");
    // The list's items combine two schemas, which cannot be closed, so each repository is checked by itself.
    let repository = validator("repository", true);
    let list = validator("GET /installation/repositories 200", false);
    for body in [
        json!({}),
        json!({ "repository_ids": ids, "permissions": { "contents": "read", "metadata": "read" } }),
    ] {
        let (_, minted) = fixture.mint(installation, &body).await;
        agrees(&format!("{MINT} 201"), &minted);
        assert_eq!(minted.get("repositories").is_some(), body != json!({}));
        let token = minted["token"].as_str().unwrap();
        let (status, seen) = fixture.get("/installation/repositories", token).await;
        assert_eq!(status, 200);
        assert!(list.is_valid(&seen), "{seen:#}");
        for one in seen["repositories"].as_array().unwrap() {
            let errors: Vec<String> = repository.iter_errors(one).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}\n{one:#}");
            let required = description()["$defs"]["repository"]["required"].clone();
            for field in required.as_array().unwrap() {
                let mut mutant = one.clone();
                mutant.as_object_mut().unwrap().remove(field.as_str().unwrap());
                assert!(!repository.is_valid(&mutant), "{field} is not required");
            }
        }
    }
}

#[tokio::test]
async fn token_errors_match_the_schema() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    agrees_as_error(422, &fixture.mint(installation, &json!({ "permissions": { "issues": "read" } })).await);
    agrees_as_error(404, &fixture.mint(1, &json!({})).await);
    agrees_as_error(401, &fixture.get("/installation/repositories", "rubbish").await);
    fixture.sim().suspend(installation, None).unwrap();
    agrees_as_error(403, &fixture.mint(installation, &json!({})).await);
}

/// Checks that the validators reject invalid responses.
#[tokio::test]
async fn schemas_reject_mutated_responses() {
    let fixture = Fixture::new().await;
    let id = fixture.install("acme-coffee");
    let (_, installation) = fixture.get_as_app(&format!("/app/installations/{id}")).await;
    agrees(GET, &installation);
    let required = description()["$defs"]["installation"]["required"].clone();
    assert_eq!(required.as_array().unwrap().len(), 17);
    for field in required.as_array().unwrap() {
        let mut mutant = installation.clone();
        mutant.as_object_mut().unwrap().remove(field.as_str().unwrap());
        assert!(!validator(GET, false).is_valid(&mutant), "{field} is not required");
    }
    let mutations = [
        ("/id", json!("50291845")),
        ("/account/id", json!(1.5)),
        ("/account", json!({ "login": "acme-coffee" })),
        ("/account/html_url", json!("not a uri")),
        ("/repository_selection", json!("some")),
        ("/suspended_at", json!(1_700_000_000)),
        ("/created_at", json!("yesterday")),
        ("/created_at", json!(null)),
        ("/permissions/contents", json!("admin")),
        ("/events", json!([1])),
    ];
    for (pointer, value) in mutations {
        let mut mutant = installation.clone();
        *mutant.pointer_mut(pointer).unwrap() = value;
        assert!(!validator(GET, false).is_valid(&mutant), "{pointer} is not checked");
    }
    let mut invented = installation;
    invented["invented"] = json!(true);
    assert!(validator(GET, false).is_valid(&invented) && !validator(GET, true).is_valid(&invented));
    assert!(!validator("GET /app 200", false).is_valid(&json!({})));
    assert!(!validator("basic-error", false).is_valid(&json!({ "message": "Not Found", "status": 404 })));
}
