//! The simulator's webhook payloads against GitHub's own description, cut by `.ci/github-webhooks`.

use crate::installation_requests::ask;
use crate::receiver::{Arrived, Hooked};
use jsonschema::Validator;
use serde_json::{Value, json};

fn validator(event: &str, closed: bool) -> Validator {
    let mut description: Value = serde_json::from_str(include_str!("../github-webhooks.json")).unwrap();
    let mut schema = description["events"][event].take();
    assert!(schema.is_object(), "{event} is not described");
    schema["$defs"] = description["$defs"].take();
    if closed {
        close(&mut schema);
    }
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// The description lets more come than it names; here nothing may be invented.
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

/// The description's name of what arrived, such as `installation-repositories/added`.
fn name(arrived: &Arrived) -> String {
    arrived.what().replace('_', "-").replace('.', "/")
}

#[track_caller]
fn agrees(arrived: &Arrived) {
    let (name, payload) = (name(arrived), arrived.payload());
    let errors: Vec<String> = validator(&name, true)
        .iter_errors(&payload)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:?}\n{payload:#}");
}

#[tokio::test]
async fn every_event_on_every_sort_of_account() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    let app_id = hooked.world.app.app_id;
    sim.create_enterprise("acme-inc").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for account in ["acme-coffee", "olga", "acme-inc"] {
        let beans = sim.add_repository(account, "beans", true).unwrap();
        sim.add_repository(account, "cups", false).unwrap();
        let id = hooked.world.install(account);
        if account != "acme-inc" {
            hooked.save_selection(account, Some(&[beans])).await;
            hooked.save_selection(account, None).await;
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
    sim.issue_user_token(app_id, "olga").unwrap();
    sim.revoke_authorization(app_id, "olga").unwrap();
    sim.ping(app_id).unwrap();
    for arrived in hooked.arrived().await {
        agrees(&arrived);
        seen.insert(name(&arrived));
    }
    let described: Value = serde_json::from_str(include_str!("../github-webhooks.json")).unwrap();
    let described: Vec<&String> = described["events"].as_object().unwrap().keys().collect();
    assert_eq!(described.len(), 10);
    assert!(described.iter().all(|event| seen.contains(*event)), "{seen:?} is not all of {described:?}");
}

#[tokio::test]
async fn a_requested_installation_and_its_bot() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    ask(&hooked.world).await;
    let id = sim.approve_request(sim.installation_requests()[0].id, "olga").unwrap();
    let created = hooked.only().await;
    agrees(&created);
    assert_eq!(created.payload()["requester"]["login"], "mia");
    sim.suspend(id, None).unwrap();
    let suspended = hooked.only().await;
    agrees(&suspended);
    assert_eq!(suspended.payload()["sender"]["type"], "Bot");
    assert_eq!(suspended.payload()["sender"]["login"], "dockline-dev[bot]");
}

/// Negative controls: a suite that lets these pass would let anything pass.
#[tokio::test]
async fn a_mutated_payload_is_noticed() {
    let hooked = Hooked::new().await;
    hooked.world.sim().add_repository("acme-coffee", "beans", true).unwrap();
    hooked.world.install("acme-coffee");
    let created = hooked.only().await.payload();
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
        assert!(!lax.is_valid(&mutant), "{pointer} was not noticed");
    }
    for field in ["action", "installation", "sender"] {
        let mut mutant = created.clone();
        mutant.as_object_mut().unwrap().remove(field);
        assert!(!lax.is_valid(&mutant), "{field} was not missed");
    }
    let mut invented = created;
    invented["invented"] = json!(true);
    assert!(lax.is_valid(&invented) && !validator("installation/created", true).is_valid(&invented));
}
