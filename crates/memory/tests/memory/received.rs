//! Deliveries in the memory outbox count as received for the scans of GitHub's delivery log.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use dockline::ports::{DeliveryOutcome, DeliveryStore, Outbox, RedeliveryStore};
use dockline::rules::outbox::KEYS_KEPT_FOR;
use dockline::{AppId, DeliveryGuid, OutboxBounds, Verdict, VerifiedDelivery};
use dockline_memory::{MemoryBindingRepo, MemoryOutbox, MemoryRedeliveryStore};
use dockline_testkit::fixtures::NOON;
use dockline_testkit::runner::block_on;
use time::{Duration, OffsetDateTime};

async fn store(outbox: &MemoryOutbox, guid: &str, received_at: OffsetDateTime) {
    let outcome = outbox
        .store(VerifiedDelivery {
            app: AppId::new(1).unwrap(),
            installation: None,
            event: "meta",
            action: None,
            guid: DeliveryGuid::new(guid).unwrap(),
            received_at,
            body: b"{}",
        })
        .await;
    assert_eq!(outcome.unwrap(), DeliveryOutcome::Stored);
}

#[test]
fn delivery_in_the_outbox_counts_as_received_until_its_key_is_forgotten() {
    let outbox = MemoryOutbox::open(&MemoryBindingRepo::new(), OutboxBounds::default());
    let scans = MemoryRedeliveryStore::new().with_outbox(&outbox);
    let guids = ["stored", "lost"].map(str::to_owned);
    block_on(async {
        assert_eq!(scans.received(&guids).await.unwrap(), [].into());
        store(&outbox, "stored", NOON).await;
        store(&outbox, "other", NOON).await;
        assert_eq!(scans.received(&guids).await.unwrap(), ["stored".to_owned()].into());
        // Also once the product has it.
        let lease = outbox.lease(NOON, NOON + Duration::MINUTE).await.unwrap().unwrap();
        assert!(outbox.settle(&lease, 1, Verdict::Done { at: NOON }).await.unwrap());
        assert_eq!(scans.received(&guids).await.unwrap(), ["stored".to_owned()].into());
        store(&outbox, "later", NOON + KEYS_KEPT_FOR + Duration::SECOND).await;
        assert_eq!(scans.received(&guids).await.unwrap(), [].into());
    });
}

#[test]
fn nothing_is_received_without_an_outbox() {
    let scans = MemoryRedeliveryStore::new();
    assert_eq!(block_on(scans.received(&["stored".to_owned()])).unwrap(), [].into());
}
