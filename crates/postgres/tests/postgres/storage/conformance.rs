//! The conformance suites of all storage ports.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use dockline::ports::{
    Admission, BindingRepo, DataSubjects, Directory, Housekeeping, KeyAdmin, KeyStore, RateLimiter,
    StateStore,
};
use dockline::{AppId, KeyId, KeyRecord, OutboxUsage};
use dockline_postgres::tokio_postgres::types::Type;
use dockline_postgres::{
    AppDatabase, AppNumber, Database, PgAdmission, PgApps, PgBindingRepo, PgDataSubjects, PgDirectory,
    PgHousekeeping, PgKeyStore, PgOutbox, PgRateLimiter, PgRedeliveryStore, PgStateStore,
};
use dockline_testkit::admission::AdmissionDriver;
use dockline_testkit::data_subjects::DataSubjectsDriver;
use dockline_testkit::directory::DirectoryDriver;
use dockline_testkit::housekeeping::HousekeepingDriver;
use dockline_testkit::outbox::{BOUNDS, Node, OutboxDriver};
use time::OffsetDateTime;

use crate::fixtures::NOON;
use crate::{test_database, test_schema};

dockline_testkit::binding_repo_suite!(async {
    handles(|database| PgBindingRepo::new(&database.with_app(AppNumber::FIRST))).await
});
dockline_testkit::state_store_suite!(async {
    handles(|database| PgStateStore::new(&database.with_app(AppNumber::FIRST))).await
});
dockline_testkit::rate_limiter_suite!(async { handles(PgRateLimiter::new).await });
dockline_testkit::redelivery_store_suite!(async {
    handles(|database| PgRedeliveryStore::new(&database.with_app(AppNumber::FIRST))).await
});

/// Handles with a pool each, as two nodes have them.
async fn handles<P>(adapter: impl Fn(&Database) -> P) -> (test_schema::SchemaGuard, [P; 2]) {
    let (guard, databases) = test_database::two_handles().await;
    (guard, databases.each_ref().map(adapter))
}

dockline_testkit::admission_suite!(async {
    let (guard, databases) = test_database::two_handles().await;
    (guard, Admitting::new(&databases))
});
dockline_testkit::outbox_suite!(async { outboxes(test_database::two_handles().await).await });
dockline_testkit::directory_suite!(async {
    let (guard, [written, read]) = test_database::two_handles().await;
    (guard, Listed::new(&written, &read))
});
dockline_testkit::data_subjects_suite!(async {
    let (guard, [written, erased]) = test_database::two_handles().await;
    (guard, Subjects::new(&written, &erased))
});
dockline_testkit::housekeeping_suite!(async {
    let (guard, [written, purged]) = test_database::two_handles().await;
    (guard, Kept::new(&written, &purged))
});

#[derive(Debug)]
pub(crate) struct Admitting {
    database: Database,
    keys: PgKeyStore,
    limiter: PgRateLimiter,
    bindings: PgBindingRepo,
    nodes: [PgAdmission; 2],
}

impl Admitting {
    pub(crate) fn new([database, second]: &[Database; 2]) -> Self {
        let [app, other] = [database, second].map(|database| database.with_app(AppNumber::FIRST));
        Self {
            database: database.clone(),
            keys: PgKeyStore::new(second),
            limiter: PgRateLimiter::new(second),
            bindings: PgBindingRepo::new(&app),
            nodes: [PgAdmission::new(&app), PgAdmission::new(&other)],
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
        let client = self.database.pool().get().await.unwrap();
        let delete = format!("DELETE FROM {}.api_keys WHERE id = $1", self.database.schema());
        client.query_typed(&delete, &[(&record.id.as_str(), Type::TEXT)]).await.unwrap();
        drop(client);
        self.insert(record).await;
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        assert!(self.keys.revoke(id, at).await.unwrap());
    }
}

#[derive(Debug)]
struct Listed {
    bindings: PgBindingRepo,
    directory: PgDirectory,
}

impl Listed {
    fn new(written: &Database, read: &Database) -> Self {
        Self {
            bindings: PgBindingRepo::new(&written.with_app(AppNumber::FIRST)),
            directory: PgDirectory::new(&read.with_app(AppNumber::FIRST)),
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
    states: PgStateStore,
    keys: PgKeyStore,
    subjects: PgDataSubjects,
}

impl Subjects {
    fn new(written: &Database, erased: &Database) -> Self {
        Self {
            listed: Listed::new(written, written),
            app: written.with_app(AppNumber::FIRST),
            states: PgStateStore::new(&written.with_app(AppNumber::FIRST)),
            keys: PgKeyStore::new(written),
            subjects: PgDataSubjects::new(erased),
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
    bindings: PgBindingRepo,
    directory: PgDirectory,
    states: PgStateStore,
    limiter: PgRateLimiter,
    housekeeping: PgHousekeeping,
}

impl Kept {
    fn new(written: &Database, purged: &Database) -> Self {
        let app = written.with_app(AppNumber::FIRST);
        Self {
            bindings: PgBindingRepo::new(&app),
            directory: PgDirectory::new(&app),
            states: PgStateStore::new(&app),
            limiter: PgRateLimiter::new(written),
            housekeeping: PgHousekeeping::new(purged),
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

/// The same through PgBouncer in transaction mode.
mod pooled {
    use super::{Admitting, AppNumber, Database, PgBindingRepo, PgRateLimiter, PgStateStore, outboxes};
    use crate::pgbouncer::{self, Pooled};

    dockline_testkit::admission_suite!(async {
        let (guard, databases) = pgbouncer::two_handles().await;
        (guard, Admitting::new(&databases))
    });

    dockline_testkit::binding_repo_suite!(async {
        handles(|database| PgBindingRepo::new(&database.with_app(AppNumber::FIRST))).await
    });
    dockline_testkit::state_store_suite!(async {
        handles(|database| PgStateStore::new(&database.with_app(AppNumber::FIRST))).await
    });
    dockline_testkit::outbox_suite!(async { outboxes(pgbouncer::two_handles().await).await });
    dockline_testkit::rate_limiter_suite!(async { handles(PgRateLimiter::new).await });

    async fn handles<P>(adapter: impl Fn(&Database) -> P) -> (Pooled, [P; 2]) {
        let (guard, databases) = pgbouncer::two_handles().await;
        (guard, databases.each_ref().map(adapter))
    }

    #[tokio::test]
    async fn pgbouncer_assigns_server_connections_per_transaction() {
        let (_guard, database) = pgbouncer::database().await;
        let backend = async || -> i32 {
            let client = database.pool().get().await.unwrap();
            let rows = client.query_typed("SELECT pg_backend_pid()", &[]).await.unwrap();
            rows.first().unwrap().get(0)
        };
        // It has two server connections, one of them busy with this transaction.
        let mut client = database.pool().get().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        let row = transaction.query_typed("SELECT pg_backend_pid()", &[]).await.unwrap();
        let busy: i32 = row.first().unwrap().get(0);
        for _ in 0..4 {
            assert_ne!(backend().await, busy);
        }
        transaction.rollback().await.unwrap();
    }
}

/// Two Apps of one schema. Nodes have one of two pools in turns.
async fn outboxes<G>((guard, databases): (G, [Database; 2])) -> (G, Outboxes) {
    let [database, _] = &databases;
    for app in [1, 2] {
        let app = AppId::new(app).unwrap();
        PgApps::new(database).add("https://api.github.com", app, NOON).await.unwrap();
    }
    (guard, Outboxes { databases, opened: AtomicUsize::new(0) })
}

#[derive(Debug)]
struct Outboxes {
    databases: [Database; 2],
    opened: AtomicUsize,
}

impl Outboxes {
    async fn open(&self, app: u64) -> AppDatabase {
        let [first, second] = &self.databases;
        let is_first = self.opened.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        let apps = PgApps::new(if is_first { first } else { second });
        apps.find("https://api.github.com", AppId::new(app).unwrap()).await.unwrap().unwrap()
    }
}

#[async_trait]
impl OutboxDriver for Outboxes {
    async fn node(&self, app: u64) -> Node {
        node(app, &self.open(app).await).await
    }

    async fn close(&self, app: u64) -> bool {
        PgOutbox::new(&self.open(app).await, BOUNDS).close().await.unwrap();
        true
    }

    async fn usage(&self, app: u64, now: OffsetDateTime) -> Option<OutboxUsage> {
        Some(PgOutbox::new(&self.open(app).await, BOUNDS).usage(now).await.unwrap())
    }
}

async fn node(app: u64, database: &AppDatabase) -> Node {
    let outbox = PgOutbox::open(database, BOUNDS).await.unwrap();
    Node {
        app,
        bindings: Arc::new(PgBindingRepo::new(database)),
        deliveries: Arc::new(outbox.clone()),
        outbox: Arc::new(outbox),
    }
}
