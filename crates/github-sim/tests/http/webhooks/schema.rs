//! Payloads match GitHub's webhook description (`.ci/github-webhook-schemas`).

use crate::rest::installation_requests::request_installation;
use crate::webhooks::receiver::{Received, WebhookFixture};
use jsonschema::Validator;
use serde_json::{Value, json};

fn validator(event: &str, closed: bool) -> Validator {
    let mut description: Value = serde_json::from_str(include_str!("../../github-webhooks.json")).unwrap();
    let mut schema = description["events"][event].take();
    assert!(schema.is_object(), "{event} is not described");
    schema["$defs"] = description["$defs"].take();
    if closed {
        close(&mut schema);
    }
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// Makes the schema reject fields that it does not list.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object) {
                members.entry("additionalProperties").or_insert(json!(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns the description's name of the event, such as `installation-repositories/added`.
fn name(received: &Received) -> String {
    received.event().replace('_', "-").replace('.', "/")
}

#[track_caller]
fn agrees(received: &Received) {
    let (name, payload) = (name(received), received.payload());
    let errors: Vec<String> = validator(&name, true)
        .iter_errors(&payload)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:?}\n{payload:#}");
}

#[tokio::test]
async fn every_event_of_every_account_kind_matches_the_schema() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    let app_id = webhooks.fixture.app.app_id;
    sim.create_enterprise("acme-inc").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for account in ["acme-coffee", "olga", "acme-inc"] {
        let beans = sim.add_repository(account, "beans", true).unwrap();
        sim.add_repository(account, "cups", false).unwrap();
        let id = webhooks.fixture.install(account);
        if account != "acme-inc" {
            sim.commit_file("olga", (account, "beans"), "a.md", "text").await.unwrap();
            webhooks.save_selection(account, Some(&[beans])).await;
            webhooks.save_selection(account, None).await;
        }
        sim.suspend(id, None).unwrap();
        sim.unsuspend(id).unwrap();
        sim.suspend(id, Some("olga")).unwrap();
        sim.unsuspend(id).unwrap();
        for level in ["read", "write"] {
            sim.set_app_permissions(app_id, [("contents".to_owned(), level.to_owned())].into()).unwrap();
            sim.accept_permissions(id).unwrap();
        }
        sim.rename(account, &format!("{account}-2")).unwrap();
        sim.rename(&format!("{account}-2"), account).unwrap();
        sim.uninstall(id).unwrap();
    }
    sim.default_user(Some("olga")).unwrap();
    sim.issue_code(app_id, "olga").unwrap();
    sim.revoke_authorization(app_id, "olga").unwrap();
    sim.ping(app_id).unwrap();
    for received in webhooks.received().await {
        agrees(&received);
        seen.insert(name(&received));
    }
    let described: Value = serde_json::from_str(include_str!("../../github-webhooks.json")).unwrap();
    let described: Vec<&String> = described["events"].as_object().unwrap().keys().collect();
    assert_eq!(described.len(), 11);
    assert!(
        described.iter().all(|event| seen.contains(*event)),
        "{seen:?} does not include all of {described:?}"
    );
}

#[tokio::test]
async fn requested_installation_and_bot_match_the_schema() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    request_installation(&webhooks.fixture).await;
    let id = sim.approve_request(sim.installation_requests()[0].id, "olga").unwrap();
    let created = webhooks.single().await;
    agrees(&created);
    assert_eq!(created.payload()["requester"]["login"], "mia");
    sim.suspend(id, None).unwrap();
    let suspended = webhooks.single().await;
    agrees(&suspended);
    assert_eq!(suspended.payload()["sender"]["type"], "Bot");
    assert_eq!(suspended.payload()["sender"]["login"], "dockline-dev[bot]");
}

/// Checks that the validators reject invalid payloads.
#[tokio::test]
async fn schemas_reject_mutated_payloads() {
    let webhooks = WebhookFixture::new().await;
    webhooks.fixture.sim().add_repository("acme-coffee", "beans", true).unwrap();
    webhooks.fixture.install("acme-coffee");
    let created = webhooks.single().await.payload();
    let lax = validator("installation/created", false);
    assert!(lax.is_valid(&created));
    let mutations = [
        ("/action", json!("deleted")),
        ("/installation/id", json!("1")),
        ("/installation/created_at", json!(1_700_000_000)),
        ("/installation/repository_selection", json!("some")),
        ("/repositories/0/private", json!("yes")),
        ("/requester", json!({})),
        ("/sender", json!(null)),
    ];
    for (pointer, value) in mutations {
        let mut mutant = created.clone();
        *mutant.pointer_mut(pointer).unwrap() = value;
        assert!(!lax.is_valid(&mutant), "{pointer} is not checked");
    }
    for field in ["action", "installation", "sender"] {
        let mut mutant = created.clone();
        mutant.as_object_mut().unwrap().remove(field);
        assert!(!lax.is_valid(&mutant), "{field} is not required");
    }
    let mut invented = created;
    invented["invented"] = json!(true);
    assert!(lax.is_valid(&invented) && !validator("installation/created", true).is_valid(&invented));
}
