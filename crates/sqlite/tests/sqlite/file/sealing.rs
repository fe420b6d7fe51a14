//! Files that are sealed, to be moved to another database.

use std::fs;
use std::time::Duration;

use dockline::OutboxBounds;
use dockline::ports::{BindingRepo, KeyAdmin, Observation, StateStore};
use dockline::transfer::{Cell, RowDigester, TABLES, TableDigest, TableRows, TransferRow, TransferTable};
use dockline_sqlite::{
    AppNumber, OpenError, SealedFile, SqliteBindingRepo, SqliteKeyStore, SqliteOptions, SqliteOutbox,
    SqliteStateStore,
};

use crate::fixtures::{NOON, binding, digest, installation, key, state};
use crate::test_database::{TestFile, database};

fn table(name: &str) -> &'static TransferTable {
    TABLES.iter().find(|table| table.name == name).unwrap()
}

async fn rows(file: &SealedFile, name: &str) -> Vec<TransferRow> {
    let mut rows = file.rows(table(name)).unwrap();
    let mut all = Vec::new();
    while let Some(row) = rows.next().await.unwrap() {
        assert_eq!(row.len(), table(name).columns.len());
        all.push(row);
    }
    all
}

async fn digests(file: &SealedFile) -> Vec<TableDigest> {
    let mut digests = Vec::new();
    for table in &TABLES {
        let mut digester = RowDigester::new(table);
        let rows = rows(file, table.name).await;
        rows.iter().for_each(|row| digester.add(row));
        assert_eq!(file.count(table).await.unwrap(), rows.len() as u64, "{}", table.name);
        digests.push(digester.finish());
    }
    digests
}

/// Returns the value of a column in the only row of a table.
async fn value(file: &SealedFile, name: &str, column: &str) -> Cell {
    let at = table(name).columns.iter().position(|(found, _)| *found == column).unwrap();
    let mut rows = rows(file, name).await;
    assert_eq!(rows.len(), 1, "{name}");
    rows.remove(0).remove(at)
}

#[tokio::test]
async fn sealed_file_is_complete_by_itself_and_no_one_opens_it_until_the_seal_is_removed() {
    let (file, database) = database().await;
    SqliteKeyStore::new(&database).insert(&key("00000000000001", "org_1"), "first", NOON).await.unwrap();
    assert!(matches!(SealedFile::open(file.path()).await.unwrap_err(), OpenError::NotSealed));
    drop(database);
    let seal = SealedFile::seal(file.path(), NOON).await.unwrap();
    assert_eq!((seal.sealed_at, &seal.copied), (NOON, &None));
    for suffix in ["-wal", "-shm", "-journal"] {
        let mut path = file.path().into_os_string();
        path.push(suffix);
        assert!(!fs::exists(&path).unwrap(), "{}", path.display());
    }
    let again = SealedFile::seal(file.path(), NOON + Duration::from_secs(60)).await.unwrap();
    assert_eq!(again, seal, "sealing it again changes nothing");
    let options = || SqliteOptions::new(file.path());
    for refused in [
        options().open().await.map(drop),
        options().as_server().open().await.map(drop),
        options().as_command().open().await.map(drop),
        options().inspect().await.map(drop),
    ] {
        assert!(matches!(refused, Err(OpenError::Sealed(_))), "{refused:?}");
    }
    let sealed = SealedFile::open(file.path()).await.unwrap();
    assert_eq!(value(&sealed, "api_keys", "name").await, Cell::Text("first".to_owned()));
    let before = digests(&sealed).await;
    sealed.record_copy("postgres://db/dockline, schema dockline", NOON).await.unwrap();
    assert_eq!(digests(&sealed).await, before);
    drop(sealed);
    let Err(OpenError::Sealed(seal)) = options().open().await else { unreachable!() };
    assert_eq!(seal.copied, Some(("postgres://db/dockline, schema dockline".to_owned(), NOON)));

    assert_eq!(SealedFile::unseal(file.path()).await.unwrap(), Some(seal));
    assert_eq!(SealedFile::unseal(file.path()).await.unwrap(), None);
    let database = file.open().await;
    assert_eq!(SqliteKeyStore::new(&database).list(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn file_that_a_server_or_a_command_has_open_is_not_sealed() {
    let file = TestFile::new();
    let missing = SealedFile::seal(file.path(), NOON).await;
    assert!(matches!(missing, Err(OpenError::Missing)), "{missing:?}");
    let server = SqliteOptions::new(file.path()).as_server().open().await.unwrap();
    let refused = SealedFile::seal(file.path(), NOON).await;
    assert!(matches!(refused, Err(OpenError::InUse { process: Some(_) })), "{refused:?}");
    drop(server);
    // Its connections could write after the seal.
    let command = SqliteOptions::new(file.path()).as_command().open().await.unwrap();
    let refused = SealedFile::seal(file.path(), NOON).await;
    assert!(matches!(refused, Err(OpenError::Busy(_))), "{refused:?}");
    SqliteKeyStore::new(&command).insert(&key("00000000000001", "org_1"), "", NOON).await.unwrap();
    drop(command);
    SealedFile::seal(file.path(), NOON).await.unwrap();
}

#[tokio::test]
async fn seals_at_the_same_moment_are_one() {
    let file = TestFile::new();
    drop(file.open().await);
    let seals: Vec<_> = (0..4)
        .map(|minute| tokio::spawn(SealedFile::seal(file.path(), NOON + Duration::from_secs(60 * minute))))
        .collect();
    let mut found = Vec::new();
    for seal in seals {
        found.push(seal.await.unwrap().unwrap());
    }
    assert!(found.iter().all(|seal| *seal == found[0]), "{found:?}");
    assert_eq!(*SealedFile::open(file.path()).await.unwrap().found(), found[0]);
}

#[tokio::test]
async fn rows_have_the_common_form_in_the_order_of_their_keys() {
    let (file, database) = database().await;
    let app = database.with_app(AppNumber::FIRST);
    SqliteOutbox::open(&app, OutboxBounds::default()).await.unwrap();
    let states = SqliteStateStore::new(&app);
    let issued = state("org_1", "state");
    states.put(issued.clone()).await.unwrap();
    states.reserve_code(&issued.digest, &digest("code")).await.unwrap();
    let bindings = SqliteBindingRepo::new(&app);
    for (owner, number) in [("org_b", 3), ("org_a", 2), ("org_z", 10)] {
        bindings.insert(binding(owner, number, owner)).await.unwrap();
    }
    bindings
        .observe(installation(2), Observation::Missing { asked_at: NOON + Duration::from_secs(60) })
        .await
        .unwrap();
    drop((states, bindings, app, database));
    SealedFile::seal(file.path(), NOON).await.unwrap();
    let sealed = SealedFile::open(file.path()).await.unwrap();

    let organizations: Vec<_> =
        rows(&sealed, "bindings").await.into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(organizations, ["org_a", "org_b", "org_z"].map(|name| Cell::Text(name.to_owned())));
    let installations = rows(&sealed, "installations").await;
    let ids: Vec<_> = installations.iter().map(|row| row[1].clone()).collect();
    assert_eq!(ids, [2, 3, 10].map(Cell::Number));
    let column = |name| table("installations").columns.iter().position(|(found, _)| *found == name).unwrap();
    let (since, looks) = (column("missing_since"), column("missing_looks"));
    assert!(matches!(installations[0][since], Cell::Time(_)) && installations[0][looks] == Cell::Number(1));
    assert_eq!((&installations[1][since], &installations[1][looks]), (&Cell::Null, &Cell::Null));
    // The open outbox has the App's own queue.
    let queues: Vec<_> = rows(&sealed, "outbox_queues").await.into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(queues, ["", "org_a", "org_b", "org_z"].map(|name| Cell::Text(name.to_owned())));
    let Cell::Json(codes) = value(&sealed, "install_states", "codes").await else { unreachable!() };
    assert_eq!(codes.as_object().unwrap().values().collect::<Vec<_>>(), [&serde_json::json!("sent")]);
    assert_eq!(value(&sealed, "install_states", "pending").await, Cell::Json(serde_json::json!([])));
    assert_eq!(value(&sealed, "install_states", "answered").await, Cell::Null);
}
