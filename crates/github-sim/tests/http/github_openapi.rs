//! The simulator's answers against GitHub's own OpenAPI description, cut by `.ci/github-openapi`.

use crate::installation_requests::ask;
use crate::receiver::Hooked;
use crate::support::{CALLBACK, World, answer};
use dockline_github_sim::{DeliveryMode, MembershipState, NewApp, NewRepository, Role};
use jsonschema::Validator;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

fn description() -> Value {
    serde_json::from_str(include_str!("../github-openapi.json")).unwrap()
}

/// The schema of one answer, such as `GET /app 200`. GitHub's description lets more fields come than it names; `closed` does not, so that
/// the simulator invents none.
fn validator(answer: &str, closed: bool) -> Validator {
    let description = description();
    let mut schema = match description["responses"].get(answer) {
        Some(response) => response.clone(),
        None => json!({ "$ref": format!("#/$defs/{answer}") }),
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
fn agrees(answer: &str, body: &Value) {
    let validator = validator(answer, answer.ends_with(" 200") || answer.ends_with(" 201"));
    let errors: Vec<String> =
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{answer}: {errors:?}\n{body:#}");
}

/// The description demands nothing of an error, so this does.
#[track_caller]
fn agrees_as_error(status: u16, answer: &(u16, Value)) {
    assert_eq!(answer.0, status, "{answer:?}");
    agrees("basic-error", &answer.1);
    assert_eq!(answer.1["status"], status.to_string());
    assert!(answer.1["message"].is_string() && answer.1["documentation_url"].is_string());
}

#[tokio::test]
async fn the_apps_webhook() {
    let world = World::new().await;
    let (status, bare) = world.as_app("/app/hook/config").await;
    assert_eq!((status, bare.get("url"), &bare["secret"]), (200, None, &json!("********")));
    agrees("GET /app/hook/config 200", &bare);
    let app = NewApp::new("hooked", CALLBACK)
        .with_webhook_url("https://api.example.com/hooks")
        .with_webhook_secret("");
    let app = world.sim().create_app(app).unwrap();
    let (_, config) = World { app, ..world }.as_app("/app/hook/config").await;
    assert_eq!(
        config,
        json!({ "url": "https://api.example.com/hooks", "content_type": "json", "insecure_ssl": "0" })
    );
    agrees("GET /app/hook/config 200", &config);
}

const GET: &str = "GET /app/installations/{installation_id} 200";

#[tokio::test]
async fn the_app() {
    let world = World::new().await;
    world.install("acme-coffee");
    agrees("GET /app 200", &world.as_app("/app").await.1);
    world.sim().create_enterprise("acme-inc").unwrap();
    let mut app = NewApp::new("enterprises-own", CALLBACK);
    app.owner = Some("acme-inc".into());
    let world = {
        let credentials = world.sim().create_app(app).unwrap();
        World { app: credentials, ..world }
    };
    let (_, app) = world.as_app("/app").await;
    assert_eq!(app["owner"]["slug"], "acme-inc");
    agrees("GET /app 200", &app);
}

#[tokio::test]
async fn installations_on_every_sort_of_account() {
    let world = World::new().await;
    world.sim().create_enterprise("acme-inc").unwrap();
    for account in ["acme-coffee", "olga", "acme-inc"] {
        let id = world.install(account);
        let (_, installation) = world.as_app(&format!("/app/installations/{id}")).await;
        agrees(GET, &installation);
        assert_eq!(installation["account"].get("login").is_none(), account == "acme-inc");
        world.sim().suspend(id, Some("olga")).unwrap();
        let (_, suspended) = world.as_app(&format!("/app/installations/{id}")).await;
        agrees(GET, &suspended);
        assert_eq!(suspended["suspended_by"]["login"], "olga");
        world.sim().null_account(id).unwrap();
        let (_, hidden) = world.as_app(&format!("/app/installations/{id}")).await;
        agrees(GET, &hidden);
        assert!(hidden["account"].is_null() && hidden["target_id"].is_u64());
    }
    let (_, list) = world.as_app("/app/installations").await;
    assert_eq!(list.as_array().unwrap().len(), 3);
    // The list's description inlines an older installation, whose account is a user *and* an enterprise: nothing but null is both.
    let in_list = validator("GET /app/installations 200", false);
    assert!(in_list.is_valid(&list));
    world.install("mia");
    let (_, list) = world.as_app("/app/installations").await;
    assert!(in_list.iter_errors(&list).all(|error| error.instance_path().as_str() == "/3/account"));
    list.as_array().unwrap().iter().for_each(|installation| agrees(GET, installation));
    agrees("GET /orgs/{org}/installation 200", &world.as_app("/orgs/acme-coffee/installation").await.1);
    agrees("GET /users/{username}/installation 200", &world.as_app("/users/olga/installation").await.1);
}

#[tokio::test]
async fn what_a_person_sees() {
    let world = World::new().await;
    world.install("acme-coffee");
    world.install("olga");
    let token = world.user_token("olga");
    agrees("GET /user 200", &world.get("/user", &token).await.1);
    agrees("GET /user/installations 200", &world.get("/user/installations", &token).await.1);
    let membership = "GET /user/memberships/orgs/{org} 200";
    agrees(membership, &world.get("/user/memberships/orgs/acme-coffee", &token).await.1);
    world.sim().set_membership_state("acme-coffee", "olga", Role::Member, MembershipState::Pending).unwrap();
    agrees(membership, &world.get("/user/memberships/orgs/acme-coffee", &token).await.1);
}

#[tokio::test]
async fn deliveries_and_requests() {
    let hooked = Hooked::new().await;
    let world = &hooked.world;
    world.install("olga");
    hooked.receiver.answer_with(500);
    world.sim().ping(world.app.app_id).unwrap();
    hooked.arrived().await;
    world.sim().set_delivery_mode(DeliveryMode::Dropped);
    world.sim().ping(world.app.app_id).unwrap();
    let (_, list) = world.as_app("/app/hook/deliveries").await;
    agrees("GET /app/hook/deliveries 200", &list);
    assert_eq!(list.as_array().unwrap().len(), 3);
    for delivery in list.as_array().unwrap() {
        let (_, whole) = world.as_app(&format!("/app/hook/deliveries/{}", delivery["id"])).await;
        agrees("GET /app/hook/deliveries/{delivery_id} 200", &whole);
    }
    let attempt = format!("/app/hook/deliveries/{}/attempts", list[0]["id"]);
    let attempted = answer(world.send(Method::POST, &attempt, &world.jwt()).await).await;
    assert_eq!(attempted.0, 202);
    agrees("POST /app/hook/deliveries/{delivery_id}/attempts 202", &attempted.1);
    let bad = world.as_app("/app/hook/deliveries?cursor=x").await;
    agrees_as_error(400, &bad);
    agrees("GET /app/hook/deliveries 400", &bad.1);
    agrees_as_error(404, &world.as_app("/app/hook/deliveries/1").await);
    ask(world).await;
    let (_, requests) = world.as_app("/app/installation-requests").await;
    assert_eq!(requests.as_array().unwrap().len(), 1);
    agrees("GET /app/installation-requests 200", &requests);
}

#[tokio::test]
async fn errors() {
    let world =
        World::with(NewApp::new("dockline-dev", CALLBACK).with_permissions([("metadata", "read")])).await;
    let token = world.user_token("olga");
    agrees_as_error(401, &world.get("/app", "rubbish").await);
    agrees_as_error(401, &world.get("/user", "rubbish").await);
    agrees_as_error(401, &world.get("/user/installations", &world.jwt()).await);
    agrees_as_error(403, &world.get("/user/memberships/orgs/acme-coffee", &token).await);
    agrees_as_error(404, &world.get("/user/memberships/orgs/nobody", &token).await);
    agrees_as_error(404, &world.as_app("/app/installations/1").await);
    agrees_as_error(404, &world.as_app("/orgs/acme-coffee/installation").await);
    let url = format!("{}/applications/{}/token", world.running.api, world.app.client_id);
    let secret = world.app.client_secret.expose_secret();
    let request = world.client.request(Method::DELETE, url).basic_auth(&world.app.client_id, Some(secret));
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    agrees("DELETE /applications/{client_id}/token 422", &body);
}

const MINT: &str = "POST /app/installations/{installation_id}/access_tokens";

#[tokio::test]
async fn what_an_installation_is_given_and_sees() {
    let world = World::new().await;
    let ids = world.repositories(&["beans", "roaster"]);
    let new = NewRepository::new("site").with_language(Some("Rust")).with_default_branch("trunk");
    world.sim().create_repository("acme-coffee", new).unwrap();
    let installation = world.install("acme-coffee");
    // A list's item is a repository *and* a thing with custom properties, so a list cannot be closed: its items are.
    let repository = validator("repository", true);
    let list = validator("GET /installation/repositories 200", false);
    for body in [
        json!({}),
        json!({ "repository_ids": ids, "permissions": { "contents": "read", "metadata": "read" } }),
    ] {
        let (_, minted) = world.mint(installation, &body).await;
        agrees(&format!("{MINT} 201"), &minted);
        assert_eq!(minted.get("repositories").is_some(), body != json!({}));
        let token = minted["token"].as_str().unwrap();
        let (status, seen) = world.get("/installation/repositories", token).await;
        assert_eq!(status, 200);
        assert!(list.is_valid(&seen), "{seen:#}");
        for one in seen["repositories"].as_array().unwrap() {
            let errors: Vec<String> = repository.iter_errors(one).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}\n{one:#}");
            let required = description()["$defs"]["repository"]["required"].clone();
            for field in required.as_array().unwrap() {
                let mut mutant = one.clone();
                mutant.as_object_mut().unwrap().remove(field.as_str().unwrap());
                assert!(!repository.is_valid(&mutant), "{field} was not missed");
            }
        }
    }
}

#[tokio::test]
async fn refused_tokens_answer_in_githubs_form() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    agrees_as_error(422, &world.mint(installation, &json!({ "permissions": { "issues": "read" } })).await);
    agrees_as_error(404, &world.mint(1, &json!({})).await);
    agrees_as_error(401, &world.get("/installation/repositories", "rubbish").await);
    world.sim().suspend(installation, None).unwrap();
    agrees_as_error(403, &world.mint(installation, &json!({})).await);
}

/// Negative controls: a suite that lets these pass would let anything pass.
#[tokio::test]
async fn a_mutated_answer_is_noticed() {
    let world = World::new().await;
    let id = world.install("acme-coffee");
    let (_, installation) = world.as_app(&format!("/app/installations/{id}")).await;
    agrees(GET, &installation);
    let required = description()["$defs"]["installation"]["required"].clone();
    assert_eq!(required.as_array().unwrap().len(), 17);
    for field in required.as_array().unwrap() {
        let mut mutant = installation.clone();
        mutant.as_object_mut().unwrap().remove(field.as_str().unwrap());
        assert!(!validator(GET, false).is_valid(&mutant), "{field} was not missed");
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
        assert!(!validator(GET, false).is_valid(&mutant), "{pointer} was not noticed");
    }
    let mut invented = installation;
    invented["invented"] = json!(true);
    assert!(validator(GET, false).is_valid(&invented) && !validator(GET, true).is_valid(&invented));
    assert!(!validator("GET /app 200", false).is_valid(&json!({})));
    assert!(!validator("basic-error", false).is_valid(&json!({ "message": "Not Found", "status": 404 })));
}
