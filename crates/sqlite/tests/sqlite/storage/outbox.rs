//! The outbox beyond its suite: large bodies, and the rows of bodies.

use dockline::ports::{BindingRepo, DeliveryOutcome, DeliveryStore, InsertOutcome, Outbox};
use dockline::{AppId, DeliveryGuid, FailedAttempt, OutboxBounds, Verdict, VerifiedDelivery};
use dockline_sqlite::{AppDatabase, AppNumber, SqliteBindingRepo, SqliteHousekeeping, SqliteOutbox};
use dockline_testkit::fixtures::seconds;
use time::Duration;

use crate::fixtures::{NOON, binding, installation};
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

/// An open outbox with a bound installation.
async fn open() -> (TestFile, AppDatabase, SqliteOutbox) {
    let (file, database) = database().await;
    let app = database.with_app(AppNumber::FIRST);
    let outbox = SqliteOutbox::open(&app, OutboxBounds::default()).await.unwrap();
    let outcome = SqliteBindingRepo::new(&app).insert(binding("acme", 1, "state")).await.unwrap();
    assert!(matches!(outcome, InsertOutcome::Inserted(_)), "{outcome:?}");
    (file, app, outbox)
}

/// Settles all messages of the installation's queue.
async fn settle_all(outbox: &SqliteOutbox, verdict: impl Fn() -> Verdict) {
    let lease = outbox.lease(NOON, seconds(60)).await.unwrap().unwrap();
    for message in outbox.read(&lease, NOON, 9, u64::MAX).await.unwrap() {
        assert!(outbox.settle(&lease, message.entry.sequence, verdict()).await.unwrap());
    }
}

#[tokio::test]
async fn body_of_25_mib_is_stored_and_read_again() {
    let (_file, _, outbox) = open().await;
    let body: Vec<u8> = (0..25 * 1024 * 1024_u32).map(|index| (index % 251) as u8).collect();
    assert_eq!(outbox.store(delivery("large", &body)).await.unwrap(), DeliveryOutcome::Stored);
    let lease = outbox.lease(NOON, seconds(60)).await.unwrap().unwrap();
    let messages = outbox.read(&lease, NOON, 2, u64::MAX).await.unwrap();
    assert!(messages[1].body == body, "another body");
    assert_eq!(outbox.backlog().await.unwrap().bytes, body.len() as u64);
}

#[tokio::test]
async fn body_of_a_purged_message_is_deleted() {
    let (file, app, outbox) = open().await;
    outbox.store(delivery("a", b"{}")).await.unwrap();
    let failed = || FailedAttempt { at: NOON, refused: false, cause: "answered 500".into() };
    settle_all(&outbox, || Verdict::Dead { failed: failed() }).await;
    let housekeeping = SqliteHousekeeping::new(app.database());
    assert_eq!(housekeeping.purge(NOON + Duration::days(31), 10).await.unwrap().messages, 2);
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    let bodies: i64 =
        connection.query_row("SELECT count(*) FROM outbox_bodies", (), |row| row.get(0)).unwrap();
    assert_eq!(bodies, 0);
}

#[tokio::test]
async fn large_bodies_are_purged_in_several_transactions() {
    let (_file, app, outbox) = open().await;
    let body = vec![b' '; 25 << 20];
    for guid in ["a", "b", "c", "d"] {
        assert_eq!(outbox.store(delivery(guid, &body)).await.unwrap(), DeliveryOutcome::Stored);
    }
    settle_all(&outbox, || Verdict::Done { at: NOON }).await;
    let housekeeping = SqliteHousekeeping::new(app.database());
    let later = NOON + Duration::days(2);
    let mut purged = Vec::new();
    for _ in 0..3 {
        purged.push(housekeeping.purge(later, 1_000).await.unwrap().bodies);
    }
    assert_eq!(purged, [3, 1, 0]);
}
