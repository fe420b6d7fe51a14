//! Handing verified deliveries to the product (I38, L-83).

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, DeliveryOutcome, DeliverySink, DeliveryStore, EntryFilter, Event, Outbox,
};
use dockline::{
    DeliveryFault, EntryContent, ErrorCode, HandedOver, OutboxBounds, PortError, PortErrorKind, Status,
    TenantDelivery, VerifiedDelivery, WebhookDelivery, WebhookError, WebhookOutcome,
};
use dockline_memory::MemoryOutbox;
use dockline_testkit::faults::{Fault, Faulty};
use dockline_testkit::fixtures::{NOON, installation};
use serde_json::{Value, json};

use super::webhooks::{payload, signature};
use crate::support::{OUR_APP, WEBHOOK_SECRET, World, acme};

/// A sink, or a store with one outcome, that remembers what it gets.
#[derive(Debug, Default)]
struct Product {
    taken: Mutex<Vec<String>>,
    outcome: Option<DeliveryOutcome>,
}

impl Product {
    fn remember(&self, text: String) {
        self.taken.lock().unwrap().push(text);
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

#[async_trait]
impl DeliverySink for Product {
    async fn deliver<'a>(&self, delivery: TenantDelivery<'a>) -> Result<(), PortError> {
        let TenantDelivery { app, organization, installation, event, action, guid, received_at, body } =
            delivery;
        assert_eq!((app.get(), received_at), (OUR_APP, NOON));
        let body: Value = serde_json::from_slice(body).unwrap();
        let organization = organization.as_ref().map_or("-", |organization| organization.as_str());
        let installation = installation.map_or(0, |installation| installation.get());
        let action = action.as_deref().unwrap_or("-");
        self.remember(format!("{organization} {installation} {event} {action} {guid} {}", body["mark"]));
        Ok(())
    }
}

#[async_trait]
impl DeliveryStore for Product {
    async fn store<'a>(&self, delivery: VerifiedDelivery<'a>) -> Result<DeliveryOutcome, PortError> {
        self.remember(format!("{:?} {}", delivery.installation, delivery.event));
        Ok(self.outcome.clone().unwrap())
    }
}

async fn deliver_as(
    world: &World,
    (event, id): (&str, Option<&str>),
    content_type: &str,
    body: &[u8],
) -> Result<WebhookOutcome, WebhookError> {
    let signature = signature(WEBHOOK_SECRET, body);
    let delivery = WebhookDelivery {
        signature: Some(signature.as_bytes()),
        event: Some(event),
        id,
        content_type: Some(content_type),
        body,
    };
    world.dockline.handle_webhook(delivery).await
}

async fn deliver(world: &World, event: &str, payload: &Value) -> Result<WebhookOutcome, WebhookError> {
    let body = payload.to_string().into_bytes();
    deliver_as(world, (event, Some("guid-1")), "application/json", &body).await
}

fn push(number: u64) -> Value {
    json!({ "mark": 7, "action": "opened", "installation": { "id": number, "node_id": "x" } })
}

fn with_sink(product: &Arc<Product>) -> World {
    let sink = Arc::clone(product);
    World::with(|builder| builder.with_delivery_sink(sink))
}

fn with_store(product: &Arc<Product>) -> World {
    let store = Arc::clone(product);
    World::with(|builder| builder.with_delivery_store(store))
}

impl World {
    /// A world whose deliveries are stored in its outbox, behind faults.
    fn with_outbox() -> (Self, MemoryOutbox, Arc<Faulty<dyn DeliveryStore>>) {
        let mut parts = None;
        let world = Self::build(
            |_| {},
            |builder, stored| {
                let outbox = MemoryOutbox::open(stored, OutboxBounds::default());
                let port: Arc<dyn DeliveryStore> = Arc::new(outbox.clone());
                let store = Arc::new(Faulty::over(port));
                parts = Some((outbox, Arc::clone(&store)));
                builder.with_delivery_store(store)
            },
        );
        let (outbox, store) = parts.unwrap();
        (world, outbox, store)
    }
}

#[tokio::test]
async fn the_sink_gets_each_delivery_of_a_bound_installation_with_its_organization_i_38() {
    let product = Arc::new(Product::default());
    let world = with_sink(&product);
    let bound = world.bound().await;
    let id = bound.installation.get();
    let outcome = deliver(&world, "push", &push(id)).await.unwrap();
    assert_eq!((outcome.handed_over, outcome.refresh), (HandedOver::Taken, None));
    let organization = acme().organization;
    assert_eq!(product.taken(), [format!("{organization} {id} push opened guid-1 7")]);
    // The App's own events are for no organization, those of unbound installations for no one.
    let authorization = json!({ "mark": 1, "action": "revoked", "sender": { "id": 5 } });
    let outcome = deliver(&world, "github_app_authorization", &authorization).await.unwrap();
    assert_eq!(outcome.handed_over, HandedOver::Taken);
    assert_eq!(product.taken(), ["- 0 github_app_authorization revoked guid-1 1"]);
    let outcome = deliver(&world, "push", &push(id + 1)).await.unwrap();
    assert_eq!((outcome.handed_over, product.taken().len()), (HandedOver::Unbound, 0));
    let of_the_app = json!({ "mark": 2, "action": null, "installation": null });
    deliver(&world, "meta", &of_the_app).await.unwrap();
    assert_eq!(product.taken(), ["- 0 meta - guid-1 2"]);
}

#[tokio::test]
async fn the_payload_of_a_form_is_handed_over_as_json() {
    let product = Arc::new(Product::default());
    let world = with_sink(&product);
    let id = world.bound().await.installation.get();
    let json = push(id).to_string().replace('{', "%7B").replace('"', "%22").replace(':', "%3A");
    let body = format!("payload={json}");
    let form = "application/x-www-form-urlencoded";
    deliver_as(&world, ("push", Some("g")), form, body.as_bytes()).await.unwrap();
    assert_eq!(product.taken().len(), 1);
}

#[tokio::test]
async fn our_own_handling_comes_first_and_is_kept_if_the_sink_fails() {
    let product = Arc::new(Product::default());
    let port: Arc<dyn DeliverySink> = product.clone();
    let sink = Arc::new(Faulty::over(port));
    let world = World::with(|builder| builder.with_delivery_sink(sink.clone()));
    let bound = world.bound().await;
    sink.set(Fault::FailsAs(PortErrorKind::Rejected).times(2));
    let failed = deliver(&world, "installation", &payload("suspend", bound.installation)).await.unwrap_err();
    // Whatever the failure, GitHub must list the delivery as failed.
    assert_eq!((failed.code(), failed.refresh()), (ErrorCode::Unavailable, Some(bound.installation)));
    assert!(matches!(failed, WebhookError::NotTaken { .. }), "{failed:?}");
    let failed = deliver(&world, "installation", &payload("deleted", bound.installation)).await.unwrap_err();
    assert_eq!(failed.refresh(), None);
    let stored = world.stored.installation(bound.installation).await.unwrap().unwrap();
    assert_eq!(stored.status, Status::Uninstalled);
    assert_eq!(product.taken(), [""; 0]);
    // A sink that took the delivery and lost its answer gets it again with GitHub's redelivery, by the same GUID.
    sink.set(Fault::LosesAnswer.once());
    let failed = deliver(&world, "push", &push(bound.installation.get())).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::Unavailable);
    deliver(&world, "push", &push(bound.installation.get())).await.unwrap();
    let taken = product.taken();
    assert_eq!((taken.len(), &taken[0]), (2, &taken[1]));
}

#[tokio::test]
async fn a_failing_store_refuses_the_delivery_and_its_redelivery_is_stored_once_c_80() {
    let (world, outbox, store) = World::with_outbox();
    let bound = world.bound().await;
    let id = bound.installation.get();
    let deliveries = async || {
        let entries = outbox.list(&EntryFilter::default(), None, 100).await.unwrap();
        entries.iter().filter(|entry| matches!(entry.content, EntryContent::Delivery { .. })).count()
    };
    // Nothing is stored: GitHub lists the delivery as failed, and the redelivery is stored.
    store.set(Fault::FailsBefore.once());
    let failed = deliver(&world, "push", &push(id)).await.unwrap_err();
    assert_eq!((failed.code(), deliveries().await), (ErrorCode::Unavailable, 0));
    assert!(matches!(failed, WebhookError::NotTaken { .. }), "{failed:?}");
    let stored = deliver(&world, "push", &push(id)).await.unwrap();
    assert_eq!((stored.handed_over, deliveries().await), (HandedOver::Taken, 1));
    // It is stored, but the answer is lost: the redelivery is a duplicate.
    let other = json!({ "mark": 8, "installation": { "id": id } });
    store.set(Fault::LosesAnswer.once());
    let failed = deliver(&world, "push", &other).await.unwrap_err();
    assert_eq!((failed.code(), deliveries().await), (ErrorCode::Unavailable, 2));
    let repeated = deliver(&world, "push", &other).await.unwrap();
    assert_eq!((repeated.handed_over, deliveries().await), (HandedOver::Duplicate, 2));
    // Our own handling is kept, whatever the store does, and a corrupt store is no other answer for GitHub.
    store.set(Fault::FailsAs(PortErrorKind::Corrupt).once());
    let failed = deliver(&world, "installation", &payload("deleted", bound.installation)).await.unwrap_err();
    assert_eq!((failed.code(), failed.refresh()), (ErrorCode::Unavailable, None));
    let record = world.stored.installation(bound.installation).await.unwrap().unwrap();
    assert_eq!((record.status, store.count("store")), (Status::Uninstalled, 5));
}

#[tokio::test]
async fn a_failing_lookup_of_the_organization_refuses_the_delivery() {
    let product = Arc::new(Product::default());
    let world = with_sink(&product);
    let id = world.bound().await.installation.get();
    world.bindings.set(Fault::FailsBefore.once().of("installation"));
    let failed = deliver(&world, "push", &push(id)).await.unwrap_err();
    assert_eq!((failed.code(), product.taken().len()), (ErrorCode::Unavailable, 0));
    deliver(&world, "push", &push(id)).await.unwrap();
    assert_eq!(product.taken().len(), 1);
}

#[tokio::test]
async fn a_store_gets_the_installation_alone_and_its_outcome_is_passed_on_i_38() {
    for (outcome, expected) in [
        (DeliveryOutcome::Stored, HandedOver::Taken),
        (DeliveryOutcome::Duplicate, HandedOver::Duplicate),
        (DeliveryOutcome::Unbound, HandedOver::Unbound),
    ] {
        let product = Arc::new(Product { outcome: Some(outcome), ..Product::default() });
        let world = with_store(&product);
        let outcome = deliver(&world, "push", &push(9)).await.unwrap();
        assert_eq!(outcome.handed_over, expected);
        assert_eq!(product.taken(), ["Some(InstallationId(9)) push"]);
        assert_eq!(world.bindings.count("installation"), 0);
    }
}

#[tokio::test]
async fn a_full_outbox_refuses_the_delivery_and_an_event_says_so() {
    let organization = Some(acme().organization);
    let full = DeliveryOutcome::Full { organization: organization.clone() };
    let product = Arc::new(Product { outcome: Some(full), ..Product::default() });
    let world = with_store(&product);
    let (failed, events) = world.observed(deliver(&world, "push", &push(9))).await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::Unavailable);
    assert!(matches!(failed, WebhookError::OutboxFull { refresh: None }), "{failed:?}");
    assert_eq!(events, [Event::OutboxFull { organization, installation: Some(installation(9)) }]);
}

#[tokio::test]
async fn a_delivery_that_cannot_be_attributed_has_no_effect() {
    let product = Arc::new(Product::default());
    let world = with_sink(&product);
    let bound = world.bound().await;
    let deleted = payload("deleted", bound.installation).to_string().into_bytes();
    let long = "a".repeat(65);
    for (event, id, body, fault) in [
        ("installation", None, &*deleted, DeliveryFault::NoDeliveryId),
        ("installation", Some(""), &deleted, DeliveryFault::NoDeliveryId),
        ("installation", Some("a_b"), &deleted, DeliveryFault::NoDeliveryId),
        ("installation", Some(&*long), &deleted, DeliveryFault::NoDeliveryId),
        ("Push it", Some("a"), b"{}", DeliveryFault::NoEvent),
        ("push", Some("a"), br#"{"installation": 7}"#, DeliveryFault::AnotherShape),
        ("push", Some("a"), br#"{"installation": {"id": 0}}"#, DeliveryFault::AnotherShape),
        (
            "push",
            Some("a"),
            br#"{"installation": {"id": 1}, "installation": {"id": 2}}"#,
            DeliveryFault::AnotherShape,
        ),
        ("push", Some("a"), br#"{"action": 7}"#, DeliveryFault::AnotherShape),
    ] {
        let refused = deliver_as(&world, (event, id), "application/json", body).await;
        assert!(matches!(refused, Err(WebhookError::Unreadable(found)) if found == fault), "{refused:?}");
    }
    assert_eq!((product.taken().len(), world.stored_binding().await), (0, Some(bound)));
}
