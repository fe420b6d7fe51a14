//! Calls while the file is locked or full, and calls whose caller leaves.

use std::time::{Duration, Instant};

use dockline::ports::{
    BindingRepo, DeliveryOutcome, DeliveryStore, EntryFilter, KeyAdmin, KeyStore, Outbox, RateLimitDecision,
    RateLimitRequest, RateLimiter,
};
use dockline::{AppId, BudgetClass, DeliveryGuid, OutboxBounds, PortErrorKind, Tier, VerifiedDelivery};
use dockline_sqlite::{
    AppNumber, SqliteBindingRepo, SqliteDatabase, SqliteKeyStore, SqliteOptions, SqliteOutbox,
    SqliteRateLimiter,
};
use rusqlite::Connection;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fixtures::{NOON, binding, key, organization};
use crate::test_database::TestFile;

fn ping<'a>(guid: &str, body: &'a [u8]) -> VerifiedDelivery<'a> {
    VerifiedDelivery {
        app: AppId::new(1).unwrap(),
        installation: None,
        event: "ping",
        action: None,
        guid: DeliveryGuid::new(guid).unwrap(),
        received_at: NOON,
        body,
    }
}

async fn outbox(database: &SqliteDatabase) -> SqliteOutbox {
    SqliteOutbox::open(&database.with_app(AppNumber::FIRST), OutboxBounds::default()).await.unwrap()
}

/// Returns the first column of the first row.
fn asked<T: rusqlite::types::FromSql>(file: &TestFile, sql: &str) -> T {
    Connection::open(file.path()).unwrap().query_row(sql, (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn lock_that_another_process_keeps_beyond_the_deadline_fails_writes_only() {
    let file = TestFile::new();
    let deadline = Duration::from_millis(300);
    let database = SqliteOptions::new(file.path()).with_deadline(deadline).open().await.unwrap();
    let keys = SqliteKeyStore::new(&database);
    let [first, second] = ["0000000000000001", "0000000000000002"].map(|id| key(id, "org_acme"));
    assert!(keys.insert(&first, "ci", NOON).await.unwrap());
    let other = Connection::open(file.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let started = Instant::now();
    let error = keys.insert(&second, "ci", NOON).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unavailable, "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(keys.find(&first.id).await.unwrap(), Some(first.clone()));
    // A command does not wait for a server's writes before it needs to write.
    let command = SqliteOptions::new(file.path()).with_deadline(deadline).open().await.unwrap();
    assert_eq!(SqliteKeyStore::new(&command).find(&first.id).await.unwrap(), Some(first));

    other.execute_batch("COMMIT").unwrap();
    // The failed call had no effect, and the next one works.
    assert_eq!(keys.find(&second.id).await.unwrap(), None);
    assert!(keys.clone().insert(&second, "ci", NOON).await.unwrap());
}

#[tokio::test]
async fn full_disk_fails_the_call_that_needs_room_and_no_other() {
    let file = TestFile::new();
    outbox(&file.open().await).await;
    let pages: u32 = asked(&file, "PRAGMA page_count");
    let options = SqliteOptions::new(file.path()).with_most_pages(pages + 150);
    let database = options.open().await.unwrap();
    let (keys, outbox) = (SqliteKeyStore::new(&database), outbox(&database).await);
    // They wait together, so that they share a transaction until the large one ends it.
    let mut calls = JoinSet::new();
    let large = outbox.clone();
    calls.spawn(async move {
        let stored = large.store(ping("large", &vec![b' '; 4 << 20])).await;
        stored.map(drop).map_err(|error| error.kind())
    });
    for number in 0..40 {
        let (keys, record) = (keys.clone(), key(&format!("{number:016}"), "org_acme"));
        calls.spawn(async move {
            assert!(keys.insert(&record, "ci", NOON).await.unwrap());
            Ok(())
        });
    }
    let failures: Vec<_> = calls.join_all().await.into_iter().filter_map(Result::err).collect();
    assert_eq!(failures, [PortErrorKind::Unavailable]);
    assert_eq!(keys.list(None).await.unwrap().len(), 40);
    assert_eq!(outbox.list(&EntryFilter::default(), None, 9).await.unwrap(), []);
    assert_eq!(outbox.backlog().await.unwrap().bytes, 0);
    assert_eq!(outbox.store(ping("small", b"{}")).await.unwrap(), DeliveryOutcome::Stored);
    assert_eq!(asked::<String>(&file, "PRAGMA integrity_check"), "ok");
}

// I6
#[tokio::test(flavor = "multi_thread")]
async fn dropped_call_has_its_whole_effect_or_none() {
    let file = TestFile::new();
    let database = file.open().await;
    let outbox = outbox(&database).await;
    let bindings = SqliteBindingRepo::new(&database.with_app(AppNumber::FIRST));
    let mut calls = JoinSet::new();
    for number in 1..=300_u64 {
        let bindings = bindings.clone();
        calls.spawn(async move {
            let insert = bindings.insert(binding(&format!("org_{number}"), number, "state"));
            // From no time at all to more than a call takes.
            drop(timeout(Duration::from_micros(number * 20), insert).await);
        });
    }
    calls.join_all().await;
    // The writer answers in order, so everything before has ended.
    bindings.insert(binding("org_last", 1_000, "state")).await.unwrap();
    let mut bound = 1;
    for number in 1..=300_u64 {
        bound += usize::from(bindings.find(&organization(&format!("org_{number}"))).await.unwrap().is_some());
    }
    for (table, condition) in
        [("bindings", "true"), ("installations", "organization IS NOT NULL"), ("outbox_entries", "true")]
    {
        let rows: i64 = asked(&file, &format!("SELECT count(*) FROM {table} WHERE {condition}"));
        assert_eq!(usize::try_from(rows).unwrap(), bound, "{table}");
    }
    assert_eq!(outbox.backlog().await.unwrap().waiting, bound as u64);
}

#[tokio::test]
async fn everything_is_there_when_the_file_is_opened_again() {
    let file = TestFile::new();
    let check = |permits| RateLimitRequest {
        key: (&organization("org_acme")).into(),
        class: BudgetClass::Read,
        tier: Tier::standard(),
        permits,
        now: NOON,
    };
    let before = file.open().await;
    SqliteBindingRepo::new(&before.with_app(AppNumber::FIRST)).insert(binding("acme", 1, "s")).await.unwrap();
    SqliteRateLimiter::new(&before).check(check(20)).await.unwrap();
    drop(before);
    assert!(!file.beside("dockline.sqlite-wal").exists(), "the file is not complete by itself");
    let after = file.open().await;
    let bindings = SqliteBindingRepo::new(&after.with_app(AppNumber::FIRST));
    assert!(bindings.find(&organization("acme")).await.unwrap().is_some());
    let decision = SqliteRateLimiter::new(&after).check(check(0)).await.unwrap();
    assert!(
        matches!(decision, RateLimitDecision::Allowed(budget) if budget.remaining == 100),
        "{decision:?}"
    );
}

#[tokio::test]
async fn errors_and_debug_output_show_no_value_and_no_path() {
    let file = TestFile::new();
    let database = file.open().await;
    let bindings = SqliteBindingRepo::new(&database.with_app(AppNumber::FIRST));
    bindings.insert(binding("acme", 1, "s")).await.unwrap();
    Connection::open(file.path())
        .unwrap()
        .execute_batch(
            "PRAGMA ignore_check_constraints = true; UPDATE bindings SET actor = 'secret' || char(10)",
        )
        .unwrap();
    let error = bindings.find(&organization("acme")).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Corrupt);
    let shown = format!("{error:?} {} {database:?} {bindings:?}", error.causes());
    assert!(shown.contains("column actor contains an invalid value"), "{shown}");
    for hidden in ["secret", "dockline.sqlite", "acme"] {
        assert!(!shown.contains(hidden), "{hidden}: {shown}");
    }
}
