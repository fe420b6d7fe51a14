//! Scans of GitHub's delivery log beside an outbox.

use dockline::ports::{DeliveryOutcome, DeliveryStore, RedeliveryStore};
use dockline::{AppId, DeliveryGuid, VerifiedDelivery};
use dockline_postgres::{AppNumber, PgOutbox, PgRedeliveryStore};
use dockline_testkit::outbox::BOUNDS;

use crate::fixtures::NOON;
use crate::test_database;

#[tokio::test]
async fn delivery_in_the_outbox_counts_as_received() {
    let (_guard, database) = test_database::database().await;
    let app = database.with_app(AppNumber::FIRST);
    let outbox = PgOutbox::open(&app, BOUNDS).await.unwrap();
    let delivery = VerifiedDelivery {
        app: AppId::new(7).unwrap(),
        installation: None,
        event: "ping",
        action: None,
        guid: DeliveryGuid::new("received").unwrap(),
        received_at: NOON,
        body: b"{}",
    };
    assert!(matches!(outbox.store(delivery).await.unwrap(), DeliveryOutcome::Stored));
    let guids = ["received".to_owned(), "lost".to_owned()];
    let received = PgRedeliveryStore::new(&app).received(&guids).await.unwrap();
    assert_eq!(received, ["received".to_owned()].into());
}
