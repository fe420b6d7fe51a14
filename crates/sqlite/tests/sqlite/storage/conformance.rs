//! The conformance suites of all storage ports but those of keys. Nodes are handles of one file that were opened independently, as by
//! two processes. So nothing may be cached, and concurrent calls meet at the lock of the file.

use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{
    Admission, BindingRepo, DataSubjects, Directory, Housekeeping, KeyAdmin, KeyStore, RateLimiter,
    StateStore,
};
use dockline::{AppId, KeyId, KeyRecord, OutboxUsage};
use dockline_sqlite::{
    AppDatabase, AppNumber, SqliteAdmission, SqliteApps, SqliteBindingRepo, SqliteDataSubjects,
    SqliteDatabase, SqliteDirectory, SqliteHousekeeping, SqliteKeyStore, SqliteOutbox, SqliteRateLimiter,
    SqliteRedeliveryStore, SqliteStateStore,
};
use dockline_testkit::admission::AdmissionDriver;
use dockline_testkit::data_subjects::DataSubjectsDriver;
use dockline_testkit::directory::DirectoryDriver;
use dockline_testkit::housekeeping::HousekeepingDriver;
use dockline_testkit::outbox::{BOUNDS, Node, OutboxDriver};
use time::OffsetDateTime;

use crate::fixtures::NOON;
use crate::test_database::{TestFile, two_handles};

dockline_testkit::binding_repo_suite!(async {
    handles(|database| SqliteBindingRepo::new(&database.with_app(AppNumber::FIRST))).await
});
dockline_testkit::state_store_suite!(async {
    handles(|database| SqliteStateStore::new(&database.with_app(AppNumber::FIRST))).await
});
dockline_testkit::rate_limiter_suite!(async { handles(SqliteRateLimiter::new).await });
dockline_testkit::redelivery_store_suite!(async {
    handles(|database| SqliteRedeliveryStore::new(&database.with_app(AppNumber::FIRST))).await
});

async fn handles<P>(adapter: impl Fn(&SqliteDatabase) -> P) -> (TestFile, [P; 2]) {
    let (file, databases) = two_handles().await;
    (file, databases.each_ref().map(adapter))
}

dockline_testkit::admission_suite!(async {
    let (file, handles) = two_handles().await;
    let driver = Admitting::new(&file, &handles);
    (file, driver)
});
dockline_testkit::outbox_suite!(async {
    let file = TestFile::new();
    let apps = SqliteApps::new(&file.open().await);
    for number in [1, 2] {
        apps.add("https://api.github.com", AppId::new(number).unwrap(), NOON).await.unwrap();
    }
    Outboxes(file)
});
dockline_testkit::directory_suite!(async {
    let (file, [written, read]) = two_handles().await;
    (file, Listed::new(&written, &read))
});
dockline_testkit::housekeeping_suite!(async {
    let (file, [written, purged]) = two_handles().await;
    (file, Kept::new(&written, &purged))
});
dockline_testkit::data_subjects_suite!(async {
    let (file, [written, erased]) = two_handles().await;
    (file, Subjects::new(&written, &erased))
});

#[derive(Debug)]
struct Admitting {
    path: std::path::PathBuf,
    keys: SqliteKeyStore,
    limiter: SqliteRateLimiter,
    bindings: SqliteBindingRepo,
    nodes: [SqliteAdmission; 2],
}

impl Admitting {
    fn new(file: &TestFile, [first, second]: &[SqliteDatabase; 2]) -> Self {
        let node = |database: &SqliteDatabase| SqliteAdmission::new(&database.with_app(AppNumber::FIRST));
        Self {
            path: file.path(),
            keys: SqliteKeyStore::new(second),
            limiter: SqliteRateLimiter::new(second),
            bindings: SqliteBindingRepo::new(&first.with_app(AppNumber::FIRST)),
            nodes: [node(first), node(second)],
        }
    }
}

#[async_trait]
impl AdmissionDriver for Admitting {
    fn admission(&self) -> &dyn Admission {
        &self.nodes[0]
    }

    fn other_node(&self) -> &dyn Admission {
        &self.nodes[1]
    }

    fn limiter(&self) -> &dyn RateLimiter {
        &self.limiter
    }

    fn bindings(&self) -> &dyn BindingRepo {
        &self.bindings
    }

    async fn insert(&self, record: KeyRecord) {
        assert!(self.keys.insert(&record, "", OffsetDateTime::UNIX_EPOCH).await.unwrap());
    }

    async fn replace(&self, record: KeyRecord) {
        let connection = rusqlite::Connection::open(&self.path).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        connection.execute("DELETE FROM api_keys WHERE id = ?1", [record.id.as_str()]).unwrap();
        drop(connection);
        self.insert(record).await;
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        assert!(self.keys.revoke(id, at).await.unwrap());
    }
}

/// Two Apps of one file. Each node opens it anew.
#[derive(Debug)]
struct Outboxes(TestFile);

impl Outboxes {
    async fn open(&self, app: u64) -> AppDatabase {
        let apps = SqliteApps::new(&self.0.open().await);
        apps.find("https://api.github.com", AppId::new(app).unwrap()).await.unwrap().unwrap()
    }
}

#[async_trait]
impl OutboxDriver for Outboxes {
    async fn node(&self, app: u64) -> Node {
        node(app, &self.open(app).await).await
    }

    async fn close(&self, app: u64) -> bool {
        SqliteOutbox::new(&self.open(app).await, BOUNDS).close().await.unwrap();
        true
    }

    async fn usage(&self, app: u64, now: OffsetDateTime) -> Option<OutboxUsage> {
        Some(SqliteOutbox::new(&self.open(app).await, BOUNDS).usage(now).await.unwrap())
    }
}

async fn node(app: u64, database: &AppDatabase) -> Node {
    let outbox = SqliteOutbox::open(database, BOUNDS).await.unwrap();
    Node {
        app,
        bindings: Arc::new(SqliteBindingRepo::new(database)),
        deliveries: Arc::new(outbox.clone()),
        outbox: Arc::new(outbox),
    }
}

#[derive(Debug)]
struct Listed {
    bindings: SqliteBindingRepo,
    directory: SqliteDirectory,
}

impl Listed {
    fn new(written: &SqliteDatabase, read: &SqliteDatabase) -> Self {
        Self {
            bindings: SqliteBindingRepo::new(&written.with_app(AppNumber::FIRST)),
            directory: SqliteDirectory::new(&read.with_app(AppNumber::FIRST)),
        }
    }
}

impl DirectoryDriver for Listed {
    fn bindings(&self) -> &dyn BindingRepo {
        &self.bindings
    }

    fn directory(&self) -> &dyn Directory {
        &self.directory
    }
}

#[derive(Debug)]
struct Subjects {
    listed: Listed,
    app: AppDatabase,
    states: SqliteStateStore,
    keys: SqliteKeyStore,
    subjects: SqliteDataSubjects,
}

impl Subjects {
    fn new(written: &SqliteDatabase, erased: &SqliteDatabase) -> Self {
        let app = written.with_app(AppNumber::FIRST);
        Self {
            listed: Listed::new(written, written),
            states: SqliteStateStore::new(&app),
            app,
            keys: SqliteKeyStore::new(written),
            subjects: SqliteDataSubjects::new(erased),
        }
    }
}

#[async_trait]
impl DataSubjectsDriver for Subjects {
    fn subjects(&self) -> &dyn DataSubjects {
        &self.subjects
    }

    fn bindings(&self) -> &dyn BindingRepo {
        &self.listed.bindings
    }

    fn directory(&self) -> &dyn Directory {
        &self.listed.directory
    }

    async fn open_outbox(&self) -> Node {
        node(1, &self.app).await
    }

    fn states(&self) -> &dyn StateStore {
        &self.states
    }

    fn keys(&self) -> &dyn KeyStore {
        &self.keys
    }

    async fn insert_key(&self, record: KeyRecord) {
        assert!(self.keys.insert(&record, "", OffsetDateTime::UNIX_EPOCH).await.unwrap());
    }
}

#[derive(Debug)]
struct Kept {
    app: AppDatabase,
    bindings: SqliteBindingRepo,
    directory: SqliteDirectory,
    states: SqliteStateStore,
    limiter: SqliteRateLimiter,
    housekeeping: SqliteHousekeeping,
}

impl Kept {
    fn new(written: &SqliteDatabase, purged: &SqliteDatabase) -> Self {
        let app = written.with_app(AppNumber::FIRST);
        Self {
            bindings: SqliteBindingRepo::new(&app),
            directory: SqliteDirectory::new(&app),
            states: SqliteStateStore::new(&app),
            limiter: SqliteRateLimiter::new(written),
            housekeeping: SqliteHousekeeping::new(purged),
            app,
        }
    }
}

#[async_trait]
impl HousekeepingDriver for Kept {
    fn housekeeping(&self) -> &dyn Housekeeping {
        &self.housekeeping
    }

    fn bindings(&self) -> &dyn BindingRepo {
        &self.bindings
    }

    fn directory(&self) -> &dyn Directory {
        &self.directory
    }

    fn states(&self) -> &dyn StateStore {
        &self.states
    }

    fn limiter(&self) -> &dyn RateLimiter {
        &self.limiter
    }

    async fn open_outbox(&self) -> Node {
        node(1, &self.app).await
    }
}
