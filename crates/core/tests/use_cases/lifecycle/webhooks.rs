//! `handle_webhook` and `precheck_signature`.

use dockline::ports::{BindingRepo, Event, Observation};
use dockline::{
    DeliveryFault, ErrorCode, HandedOver, InstallationId, InstallerRecord, SignatureRefusal, Status,
    TokenScope, WebhookDelivery, WebhookError, WebhookEvent, WebhookOutcome, WebhookSecrets,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::{NOON, account_id, installation, installer_record};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{OUR_APP, WEBHOOK_SECRET, World, acme};

const NOT_CONFIGURED: HandedOver = HandedOver::NotConfigured;

pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let signature = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body).finalize();
    format!("sha256={}", data_encoding::HEXLOWER.encode(&signature.into_bytes()))
}

pub(crate) async fn deliver(
    world: &World,
    event: &str,
    payload: &Value,
) -> Result<WebhookOutcome, WebhookError> {
    let body = payload.to_string().into_bytes();
    let signature = signature(WEBHOOK_SECRET, &body);
    let delivery = WebhookDelivery {
        signature: Some(signature.as_bytes()),
        event: Some(event),
        id: None,
        content_type: Some("application/json"),
        body: &body,
    };
    world.dockline.handle_webhook(delivery).await
}

/// A payload of the events `installation` and `installation_repositories`.
pub(crate) fn payload(action: &str, id: InstallationId) -> Value {
    json!({
        "action": action,
        "installation": { "id": id, "app_id": OUR_APP, "account": { "id": 1_001 },
                          "permissions": { "members": "read" } },
        "sender": { "id": 77 },
    })
}

fn repositories(id: InstallationId) -> Value {
    let mut payload = payload("added", id);
    payload["repositories_added"] = json!([]);
    payload["repositories_removed"] = json!([]);
    payload
}

async fn cached_token(world: &World) {
    world.dockline.token(&acme().organization, &TokenScope::everything()).await.unwrap();
}

/// Whether a token is cached; evicts it.
async fn has_cached_token(world: &World) -> bool {
    let before = world.gateway.count("revoke");
    world.dockline.revoke_tokens().await;
    world.gateway.count("revoke") > before
}

#[tokio::test]
async fn a_delivery_without_a_valid_signature_has_no_effect_i_21() {
    let world = World::new();
    let bound = world.bound().await;
    let body = payload("deleted", bound.installation).to_string().into_bytes();
    let (good, other) = (signature(WEBHOOK_SECRET, &body), signature("another secret of ours", &body));
    let upper = good.to_uppercase();
    for (signature, reason) in [
        (None, SignatureRefusal::Missing),
        (Some(&*upper), SignatureRefusal::Malformed),
        (Some(&*other), SignatureRefusal::Mismatch),
    ] {
        let signature = signature.map(str::as_bytes);
        let delivery = WebhookDelivery {
            signature,
            event: Some("installation"),
            id: None,
            content_type: None,
            body: &body,
        };
        let (refused, events) = world.observed(world.dockline.handle_webhook(delivery)).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Unauthenticated);
        assert!(matches!(refused, WebhookError::Unsigned(found) if found == reason), "{refused:?}");
        assert_eq!(events, []);
        let precheck = world.dockline.precheck_signature(signature);
        assert_eq!(precheck, if reason == SignatureRefusal::Mismatch { Ok(()) } else { Err(reason) });
    }
    assert_eq!(world.stored_binding().await, Some(bound));
    let world = World::with(|builder| builder.with_webhook_secrets(WebhookSecrets::none()));
    let delivery =
        WebhookDelivery { signature: Some(good.as_bytes()), body: &body, ..WebhookDelivery::default() };
    let refused = world.dockline.handle_webhook(delivery).await;
    assert!(matches!(refused, Err(WebhookError::Unsigned(SignatureRefusal::NoSecret))), "{refused:?}");
    let precheck = world.dockline.precheck_signature(Some(good.as_bytes()));
    assert_eq!(precheck, Err(SignatureRefusal::NoSecret));
}

#[tokio::test]
async fn a_signed_delivery_that_cannot_be_read_has_no_effect() {
    let world = World::new();
    let bound = world.bound().await;
    let mut foreign = payload("deleted", bound.installation);
    foreign["installation"]["app_id"] = json!(OUR_APP + 1);
    let (refused, events) = world.observed(deliver(&world, "installation", &foreign)).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Validation);
    assert!(matches!(refused, WebhookError::Unreadable(DeliveryFault::ForeignApp)), "{refused:?}");
    assert_eq!((events, world.stored_binding().await), (vec![], Some(bound)));
}

#[tokio::test]
async fn the_first_installer_is_recorded_and_the_installation_is_to_be_looked_up() {
    let world = World::new();
    let id = installation(1);
    let mut created = payload("created", id);
    for sender in [77, 78] {
        created["sender"]["id"] = json!(sender);
        let (outcome, events) = world.observed(deliver(&world, "installation", &created)).await;
        let record = InstallerRecord { installer: account_id(sender), members_permission: true };
        let event = WebhookEvent::Installed { installation: id, record };
        assert_eq!(
            outcome.unwrap(),
            WebhookOutcome { event, refresh: Some(id), handed_over: NOT_CONFIGURED }
        );
        assert_eq!(events, []);
    }
    assert_eq!(world.stored.installer(id).await.unwrap(), Some(installer_record(77)));
    assert_eq!(world.stored.installation(id).await.unwrap(), None);
    assert_eq!(world.lookups(), 0);
}

#[tokio::test]
async fn a_deletion_is_stored_once_and_evicts_the_tokens_l_31() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    cached_token(&world).await;
    let lookups = world.lookups();
    let deleted = payload("deleted", id);
    let outcome = WebhookOutcome {
        event: WebhookEvent::Deleted { installation: id },
        refresh: None,
        handed_over: NOT_CONFIGURED,
    };
    let organization = Some(bound.organization);
    for expected in [vec![Event::Uninstalled { organization, installation: id }], vec![]] {
        let (delivered, events) = world.observed(deliver(&world, "installation", &deleted)).await;
        assert_eq!((delivered.unwrap(), events), (outcome, expected));
    }
    assert!(!has_cached_token(&world).await);
    assert_eq!(world.stored_binding().await.unwrap().status, Status::Uninstalled);
    // L-32: an installation that was never observed.
    let unknown = installation(9);
    let (delivered, events) =
        world.observed(deliver(&world, "installation", &payload("deleted", unknown))).await;
    delivered.unwrap();
    assert_eq!(events, [Event::Uninstalled { organization: None, installation: unknown }]);
    let record = world.stored.installation(unknown).await.unwrap().unwrap();
    assert_eq!((record.status, record.account), (Status::Uninstalled, None));
    assert_eq!(world.lookups(), lookups);
}

#[tokio::test]
async fn a_suspension_evicts_the_tokens_and_its_status_is_looked_up_l_30() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    for action in ["suspend", "unsuspend"] {
        cached_token(&world).await;
        let (outcome, events) = world.observed(deliver(&world, "installation", &payload(action, id))).await;
        let event = WebhookEvent::StatusChanged { installation: id };
        assert_eq!(
            outcome.unwrap(),
            WebhookOutcome { event, refresh: Some(id), handed_over: NOT_CONFIGURED }
        );
        assert_eq!(events, []);
        assert!(!has_cached_token(&world).await, "{action}");
        assert_eq!(world.stored_binding().await.unwrap().status, Status::Active);
    }
}

#[tokio::test]
async fn changed_permissions_or_repositories_raise_the_generation_and_evict_the_tokens_l_41() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    let permissions = payload("new_permissions_accepted", id);
    let mut generation = bound.generation;
    for (name, body) in [("installation", permissions), ("installation_repositories", repositories(id))] {
        cached_token(&world).await;
        let (outcome, events) = world.observed(deliver(&world, name, &body)).await;
        let event = WebhookEvent::PermissionsChanged { installation: id };
        assert_eq!(
            outcome.unwrap(),
            WebhookOutcome { event, refresh: Some(id), handed_over: NOT_CONFIGURED }
        );
        assert_eq!(events, [Event::PermissionsChanged { installation: id }]);
        assert!(!has_cached_token(&world).await, "{name}");
        generation += 1;
        assert_eq!(world.stored_binding().await.unwrap().generation, generation);
    }
    // An unknown installation has no generation, but is looked up.
    let unknown = installation(9);
    let body = repositories(unknown);
    let (outcome, events) = world.observed(deliver(&world, "installation_repositories", &body)).await;
    assert_eq!((outcome.unwrap().refresh, events), (Some(unknown), vec![]));
    // So is one that was uninstalled, without an event.
    world.stored.observe(id, Observation::Deleted { at: NOON }).await.unwrap();
    let (outcome, events) =
        world.observed(deliver(&world, "installation_repositories", &repositories(id))).await;
    assert_eq!((outcome.unwrap().refresh, events), (Some(id), vec![]));
}

#[tokio::test]
async fn a_renamed_account_is_looked_up_and_other_events_are_ignored() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    cached_token(&world).await;
    let before = world.stored_binding().await;
    let renamed = json!({
        "action": "renamed", "account": { "id": 1_001 }, "changes": {}, "installation": { "id": id },
    });
    let sender = json!({ "action": "revoked", "sender": { "id": 77 } });
    for (name, body, event, refresh) in [
        ("installation_target", renamed, WebhookEvent::Renamed { installation: id }, Some(id)),
        ("ping", json!({ "hook_id": 1 }), WebhookEvent::Ping, None),
        ("github_app_authorization", sender, WebhookEvent::Ignored, None),
        ("push", json!({}), WebhookEvent::Ignored, None),
    ] {
        let (outcome, events) = world.observed(deliver(&world, name, &body)).await;
        assert_eq!(
            (outcome.unwrap(), events),
            (WebhookOutcome { event, refresh, handed_over: NOT_CONFIGURED }, vec![]),
            "{name}"
        );
    }
    assert!(has_cached_token(&world).await);
    assert_eq!(world.stored_binding().await, before);
}

#[tokio::test]
async fn after_a_failure_of_the_store_a_redelivery_is_handled_l_33() {
    let world = World::new();
    let bound = world.bound().await;
    let id = bound.installation;
    for (method, name, body) in [
        ("record_installer", "installation", payload("created", id)),
        ("observe", "installation_repositories", repositories(id)),
        ("observe", "installation", payload("deleted", id)),
    ] {
        world.bindings.set(Fault::FailsBefore.once().of(method));
        let failed = deliver(&world, name, &body).await.unwrap_err();
        assert_eq!(failed.code(), ErrorCode::Unavailable, "{method}");
    }
    let organization = Some(bound.organization);
    let (delivered, events) = world.observed(deliver(&world, "installation", &payload("deleted", id))).await;
    delivered.unwrap();
    assert_eq!(events, [Event::Uninstalled { organization, installation: id }]);
}
