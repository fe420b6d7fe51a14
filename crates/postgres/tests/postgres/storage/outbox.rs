//! What goes beyond the suite of the outbox: sizes, opening and closing, purging, and the locks of its statements.

use dockline::ports::{
    BindingRepo, DeliveryOutcome, DeliveryStore, EntryFilter, InsertOutcome, Observation, Outbox,
};
use dockline::{
    AppId, Backlog, DeliveryGuid, EntryStatus, FailedAttempt, OutboxBounds, Verdict, VerifiedDelivery,
};
use dockline_postgres::{AppDatabase, AppNumber, PgBindingRepo, PgHousekeeping, PgOutbox};
use dockline_testkit::fixtures::{actor, binding_of, digest, installation, organization, seconds};
use time::{Duration, OffsetDateTime};

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

/// Settles every message of the only queue.
async fn settle_all(outbox: &PgOutbox, at: OffsetDateTime, verdict: impl Fn(u64) -> Verdict) {
    let lease = outbox.lease(at, at + Duration::MINUTE).await.unwrap().unwrap();
    for message in outbox.read(&lease, at, 100, u64::MAX).await.unwrap() {
        assert!(
            outbox.settle(&lease, message.entry.sequence, verdict(message.entry.sequence)).await.unwrap()
        );
    }
    outbox.release(&lease, at).await.unwrap();
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
async fn without_an_open_outbox_nothing_is_stored() {
    let (_guard, database) = database().await;
    let database = database.with_app(AppNumber::FIRST);
    let bindings = PgBindingRepo::new(&database);
    let outbox = PgOutbox::new(&database, DEFAULT);
    bind(&bindings).await;
    let changed = Observation::PermissionsChanged { at: NOON };
    assert!(bindings.observe(installation(1), changed.clone()).await.unwrap().change.is_some());
    assert_eq!(outbox.backlog().await.unwrap(), Backlog::default());
    PgOutbox::open(&database, DEFAULT).await.unwrap();
    bindings.observe(installation(1), changed.clone()).await.unwrap();
    outbox.store(delivery("a", b"{}")).await.unwrap();
    assert_eq!(outbox.backlog().await.unwrap().waiting, 2);
    outbox.close().await.unwrap();
    bindings.observe(installation(1), changed).await.unwrap();
    bindings.release(&organization("acme"), installation(1), &actor(), NOON).await.unwrap();
    assert_eq!(outbox.list(&EntryFilter::default(), None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_dead_message_is_kept_for_thirty_days_and_counts_until_then() {
    let (_guard, database, bindings, outbox) = open().await;
    bind(&bindings).await;
    outbox.store(delivery("a", b"{}")).await.unwrap();
    let failed = || FailedAttempt { at: NOON, refused: false, cause: "answered 500".into() };
    settle_all(&outbox, NOON, |_| Verdict::Dead { failed: failed() }).await;
    let housekeeping = PgHousekeeping::new(database.database());
    assert_eq!(housekeeping.purge(NOON + Duration::days(30), 10).await.unwrap().messages, 0);
    let dead = EntryFilter { status: Some(EntryStatus::Dead), organization: None };
    assert_eq!(outbox.list(&dead, None, 9).await.unwrap().len(), 2);
    assert_eq!(outbox.backlog().await.unwrap().bytes, 2);
    let later = NOON + Duration::days(30) + Duration::SECOND;
    assert_eq!(housekeeping.purge(later, 10).await.unwrap().messages, 2);
    assert_eq!(outbox.backlog().await.unwrap(), Backlog::default());
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

#[tokio::test]
async fn an_entry_that_is_added_while_a_release_waits_makes_the_queue_due() {
    let (_guard, database, bindings, outbox) = open().await;
    bind(&bindings).await;
    let lease = outbox.lease(NOON, seconds(60)).await.unwrap().unwrap();
    assert!(outbox.settle(&lease, 1, Verdict::Done { at: NOON }).await.unwrap());
    let schema = database.database().schema().clone();
    let mut session = session_in(&schema).await;
    let rival = session.transaction().await.unwrap();
    // What a statement of another node does that stores a change.
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
