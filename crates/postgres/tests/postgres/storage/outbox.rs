//! What goes beyond the suite of the outbox: large bodies, the rows of bodies, and the locks of its statements.

use dockline::ports::{
    BindingRepo, DeliveryOutcome, DeliveryStore, EntryFilter, InsertOutcome, Outbox, RedeliveryStore,
};
use dockline::{AppId, DeliveryGuid, FailedAttempt, OutboxBounds, Verdict, VerifiedDelivery};
use dockline_postgres::tokio_postgres::Transaction;
use dockline_postgres::{AppDatabase, AppNumber, PgBindingRepo, PgHousekeeping, PgOutbox, PgRedeliveryStore};
use dockline_testkit::fixtures::{binding_of, digest, installation, organization, seconds};
use time::Duration;

use crate::fixtures::NOON;
use crate::test_database::{database, until_blocked};
use crate::test_schema::{SchemaGuard, session_in, url};

const DEFAULT: OutboxBounds = OutboxBounds { per_organization: 256 << 20, in_all: 4 << 30 };

/// The deadline of a call that stores or reads 25 MiB, also on a busy machine.
const PATIENT: std::time::Duration = std::time::Duration::from_secs(120);

async fn open() -> (SchemaGuard, AppDatabase, PgBindingRepo, PgOutbox) {
    let (guard, database) = database().await;
    let database = database.with_deadline(PATIENT).with_app(AppNumber::FIRST);
    let outbox = PgOutbox::open(&database, DEFAULT).await.unwrap();
    let bindings = PgBindingRepo::new(&database);
    (guard, database, bindings, outbox)
}

async fn bind(bindings: &PgBindingRepo) {
    let outcome = bindings.insert(binding_of("acme", 1, digest("state"))).await.unwrap();
    assert!(matches!(outcome, InsertOutcome::Inserted(_)), "{outcome:?}");
}

fn delivery<'a>(guid: &str, body: &'a [u8]) -> VerifiedDelivery<'a> {
    VerifiedDelivery {
        app: AppId::new(1).unwrap(),
        installation: Some(installation(1)),
        event: "push",
        action: None,
        guid: DeliveryGuid::new(guid).unwrap(),
        received_at: NOON,
        body,
    }
}

#[tokio::test]
async fn a_body_of_25_mib_is_stored_over_a_pool_of_its_own_and_read_again() {
    let (_guard, _database, bindings, outbox) = open().await;
    let pool = dockline_postgres::open_pool(&url().into(), PgOutbox::STORED_AT_ONCE).unwrap();
    let outbox = outbox.with_delivery_pool(pool);
    bind(&bindings).await;
    let body: Vec<u8> = (0..25 * 1024 * 1024_u32).map(|index| (index % 251) as u8).collect();
    assert_eq!(outbox.store(delivery("large", &body)).await.unwrap(), DeliveryOutcome::Stored);
    let lease = outbox.lease(NOON, seconds(60)).await.unwrap().unwrap();
    let messages = outbox.read(&lease, NOON, 2, u64::MAX).await.unwrap();
    assert!(messages[1].body == body, "another body");
    assert_eq!(outbox.backlog().await.unwrap().bytes, body.len() as u64);
}

#[tokio::test]
async fn the_body_of_a_purged_message_is_deleted() {
    let (_guard, database, bindings, outbox) = open().await;
    bind(&bindings).await;
    outbox.store(delivery("a", b"{}")).await.unwrap();
    let lease = outbox.lease(NOON, seconds(60)).await.unwrap().unwrap();
    for message in outbox.read(&lease, NOON, 9, u64::MAX).await.unwrap() {
        let failed = FailedAttempt { at: NOON, refused: false, cause: "answered 500".into() };
        assert!(outbox.settle(&lease, message.entry.sequence, Verdict::Dead { failed }).await.unwrap());
    }
    let housekeeping = PgHousekeeping::new(database.database());
    assert_eq!(housekeeping.purge(NOON + Duration::days(31), 10).await.unwrap().messages, 2);
    let session = session_in(database.database().schema()).await;
    let bodies: i64 = session.query_one("SELECT count(*) FROM outbox_bodies", &[]).await.unwrap().get(0);
    assert_eq!(bodies, 0);
}

#[tokio::test]
async fn a_delivery_that_waits_for_a_release_is_not_attributed_to_the_released_organization() {
    let (_guard, database, bindings, outbox) = open().await;
    bind(&bindings).await;
    let schema = database.database().schema().clone();
    let mut session = session_in(&schema).await;
    let rival = session.transaction().await.unwrap();
    rival
        .execute("UPDATE installations SET organization = 'other' WHERE installation_id = 1", &[])
        .await
        .unwrap();
    let waiting = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.store(delivery("a", b"{}")).await.unwrap() }
    });
    until_blocked(&schema, 1).await;
    rival.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap(), DeliveryOutcome::Stored);
    let entries = outbox.list(&EntryFilter::default(), None, 9).await.unwrap();
    assert_eq!(entries.last().unwrap().organization, Some(organization("other")));
}

/// Does what a statement of another node does that stores a second change.
async fn add_change(rival: &Transaction<'_>) {
    rival
        .batch_execute(
            "UPDATE outbox_queues SET last_sequence = 2, due_at = LEAST(due_at, '1970-01-01 00:00:00+00') \
             WHERE organization = 'acme'; \
             INSERT INTO outbox_entries (app, organization, sequence, id, change, size, has_body, received_at, status) \
             SELECT app, organization, 2, 'ev_01ARYZ6S430000000000000000', change, 0, false, received_at, 'waiting' \
             FROM outbox_entries WHERE sequence = 1",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn an_entry_that_is_added_while_a_release_waits_makes_the_queue_due() {
    let (_guard, database, bindings, outbox) = open().await;
    bind(&bindings).await;
    let lease = outbox.lease(NOON, seconds(60)).await.unwrap().unwrap();
    assert!(outbox.settle(&lease, 1, Verdict::Done { at: NOON }).await.unwrap());
    let schema = database.database().schema().clone();
    let mut session = session_in(&schema).await;
    let rival = session.transaction().await.unwrap();
    add_change(&rival).await;
    let waiting = tokio::spawn({
        let (outbox, lease) = (outbox.clone(), lease.clone());
        async move { outbox.release(&lease, seconds(1)).await.unwrap() }
    });
    until_blocked(&schema, 1).await;
    rival.commit().await.unwrap();
    waiting.await.unwrap();
    let lease = outbox.lease(seconds(1), seconds(61)).await.unwrap().unwrap();
    assert_eq!(outbox.read(&lease, seconds(1), 9, 0).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_outbox_that_is_closed_while_an_entry_is_added_is_empty() {
    let (_guard, database, bindings, outbox) = open().await;
    bind(&bindings).await;
    let schema = database.database().schema().clone();
    let mut session = session_in(&schema).await;
    let rival = session.transaction().await.unwrap();
    add_change(&rival).await;
    let waiting = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.close().await.unwrap() }
    });
    until_blocked(&schema, 1).await;
    rival.commit().await.unwrap();
    waiting.await.unwrap();
    assert_eq!(outbox.list(&EntryFilter::default(), None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_delivery_in_the_outbox_counts_as_received() {
    let (_guard, database, _bindings, outbox) = open().await;
    let of_the_app = VerifiedDelivery { installation: None, ..delivery("received", b"{}") };
    assert_eq!(outbox.store(of_the_app).await.unwrap(), DeliveryOutcome::Stored);
    let guids = ["received".to_owned(), "lost".to_owned()];
    let received = PgRedeliveryStore::new(&database).received(&guids).await.unwrap();
    assert_eq!(received, ["received".to_owned()].into());
}
