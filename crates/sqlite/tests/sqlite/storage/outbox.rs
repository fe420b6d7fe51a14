//! The outbox beyond its port: opening, closing, retention and large bodies.

use dockline::ports::{
    BindingRepo, DeliveryOutcome, DeliveryStore, EntryFilter, InsertOutcome, Observation, Outbox,
};
use dockline::{
    AppId, Backlog, DeliveryGuid, EntryStatus, FailedAttempt, OutboxBounds, Verdict, VerifiedDelivery,
};
use dockline_sqlite::{
    AppDatabase, AppNumber, OutboxUsage, SqliteBindingRepo, SqliteHousekeeping, SqliteOutbox,
};
use time::{Duration, OffsetDateTime};

use crate::fixtures::{NOON, actor, binding, installation, organization};
use crate::test_database::{TestFile, database};

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

fn seconds(after: i64) -> OffsetDateTime {
    NOON + Duration::seconds(after)
}

async fn open() -> (TestFile, AppDatabase, SqliteBindingRepo, SqliteOutbox) {
    let (file, database) = database().await;
    let app = database.with_app(AppNumber::FIRST);
    let outbox = SqliteOutbox::open(&app, OutboxBounds::default()).await.unwrap();
    let bindings = SqliteBindingRepo::new(&app);
    bind(&bindings).await;
    (file, app, bindings, outbox)
}

async fn bind(bindings: &SqliteBindingRepo) {
    let outcome = bindings.insert(binding("acme", 1, "state")).await.unwrap();
    assert!(matches!(outcome, InsertOutcome::Inserted(_)), "{outcome:?}");
}

async fn settle_all(outbox: &SqliteOutbox, at: OffsetDateTime, verdict: impl Fn() -> Verdict) {
    let lease = outbox.lease(at, at + Duration::MINUTE).await.unwrap().unwrap();
    for message in outbox.read(&lease, at, 9, u64::MAX).await.unwrap() {
        assert!(outbox.settle(&lease, message.entry.sequence, verdict()).await.unwrap());
    }
    outbox.release(&lease, at).await.unwrap();
}

#[tokio::test]
async fn body_of_25_mib_is_stored_and_read_again() {
    let (_file, _, _, outbox) = open().await;
    let body: Vec<u8> = (0..25 * 1024 * 1024_u32).map(|index| (index % 251) as u8).collect();
    assert_eq!(outbox.store(delivery("large", &body)).await.unwrap(), DeliveryOutcome::Stored);
    let lease = outbox.lease(NOON, seconds(60)).await.unwrap().unwrap();
    let messages = outbox.read(&lease, NOON, 2, u64::MAX).await.unwrap();
    assert!(messages[1].body == body, "another body");
    assert_eq!(outbox.backlog().await.unwrap().bytes, body.len() as u64);
}

#[tokio::test]
async fn closed_outbox_stores_nothing_and_forgets_everything() {
    let (_file, database) = database().await;
    let app = database.with_app(AppNumber::FIRST);
    let bindings = SqliteBindingRepo::new(&app);
    let outbox = SqliteOutbox::new(&app, OutboxBounds::default());
    bind(&bindings).await;
    let changed = Observation::PermissionsChanged { at: NOON };
    assert!(bindings.observe(installation(1), changed.clone()).await.unwrap().change.is_some());
    assert_eq!(outbox.store(delivery("a", b"{}")).await.unwrap(), DeliveryOutcome::Unbound);
    assert_eq!(outbox.backlog().await.unwrap(), Backlog::default());
    assert_eq!(outbox.usage(NOON).await.unwrap(), OutboxUsage::default());

    SqliteOutbox::open(&app, OutboxBounds::default()).await.unwrap();
    bindings.observe(installation(1), changed.clone()).await.unwrap();
    assert_eq!(outbox.store(delivery("a", b"{}")).await.unwrap(), DeliveryOutcome::Stored);
    assert_eq!(outbox.backlog().await.unwrap().waiting, 2);
    outbox.lease(NOON, seconds(60)).await.unwrap().unwrap();
    assert_eq!(outbox.usage(NOON).await.unwrap(), OutboxUsage { is_open: true, is_leased: true });
    assert!(!outbox.usage(seconds(60)).await.unwrap().is_leased);

    outbox.close().await.unwrap();
    bindings.observe(installation(1), changed).await.unwrap();
    bindings.release(&organization("acme"), installation(1), &actor(), NOON).await.unwrap();
    assert_eq!(outbox.list(&EntryFilter::default(), None, 9).await.unwrap(), []);
    assert_eq!(outbox.usage(NOON).await.unwrap(), OutboxUsage::default());
}

#[tokio::test]
async fn dead_message_is_kept_for_thirty_days_and_counts_until_then() {
    let (file, app, _, outbox) = open().await;
    outbox.store(delivery("a", b"{}")).await.unwrap();
    let failed = || FailedAttempt { at: NOON, refused: false, cause: "answered 500".into() };
    settle_all(&outbox, NOON, || Verdict::Dead { failed: failed() }).await;
    let housekeeping = SqliteHousekeeping::new(app.database());
    assert_eq!(housekeeping.purge(NOON + Duration::days(30), 10).await.unwrap().messages, 0);
    let dead = EntryFilter { status: Some(EntryStatus::Dead), organization: None };
    assert_eq!(outbox.list(&dead, None, 9).await.unwrap().len(), 2);
    assert_eq!(outbox.backlog().await.unwrap().bytes, 2);
    let later = NOON + Duration::days(30) + Duration::SECOND;
    assert_eq!(housekeeping.purge(later, 10).await.unwrap().messages, 2);
    assert_eq!(outbox.backlog().await.unwrap(), Backlog::default());
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    let bodies: i64 =
        connection.query_row("SELECT count(*) FROM outbox_bodies", (), |row| row.get(0)).unwrap();
    assert_eq!(bodies, 0);
}
