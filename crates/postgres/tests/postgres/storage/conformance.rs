//! The conformance suites of all storage ports.

use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{
    Admission, BindingRepo, DataSubjects, Directory, KeyStore, KeyUsage, RateLimiter, StateStore,
};
use dockline::{AppId, KeyId, KeyRecord};
use dockline_postgres::tokio_postgres::types::Type;
use dockline_postgres::{
    AppDatabase, AppNumber, Database, PgAdmission, PgApps, PgBindingRepo, PgDataSubjects, PgDirectory,
    PgKeyStore, PgKeyUsage, PgOutbox, PgRateLimiter, PgRedeliveryStore, PgStateStore,
};
use dockline_testkit::admission::AdmissionDriver;
use dockline_testkit::data_subjects::DataSubjectsDriver;
use dockline_testkit::directory::DirectoryDriver;
use dockline_testkit::key_store::KeyStoreDriver;
use dockline_testkit::key_usage::KeyUsageDriver;
use dockline_testkit::outbox::{BOUNDS, Node, OutboxDriver};
use time::OffsetDateTime;

use crate::fixtures::NOON;
use crate::{test_database, test_schema};

dockline_testkit::binding_repo_suite!(async {
    let (guard, database) = test_database::database().await;
    (guard, PgBindingRepo::new(&database.with_app(AppNumber::FIRST)))
});
dockline_testkit::state_store_suite!(async {
    let (guard, database) = test_database::database().await;
    (guard, PgStateStore::new(&database.with_app(AppNumber::FIRST)))
});
dockline_testkit::rate_limiter_suite!(async {
    let (guard, database) = test_database::database().await;
    (guard, PgRateLimiter::new(&database))
});
dockline_testkit::admission_suite!(async {
    let (guard, database) = test_database::database().await;
    (guard, Admitting::new(&database))
});
dockline_testkit::redelivery_store_suite!(async {
    let (guard, database) = test_database::database().await;
    (guard, PgRedeliveryStore::new(&database.with_app(AppNumber::FIRST)))
});
dockline_testkit::key_store_suite!(async { keys().await });
dockline_testkit::outbox_suite!(async { outboxes(test_database::database().await).await });
dockline_testkit::key_usage_suite!(async {
    let (guard, database) = test_database::database().await;
    (guard, Usage { keys: PgKeyStore::new(&database), usage: PgKeyUsage::new(&database) })
});

dockline_testkit::directory_suite!(async {
    let (guard, database) = test_database::database().await;
    (guard, Listed::new(&database))
});
dockline_testkit::data_subjects_suite!(async {
    let (guard, database) = test_database::database().await;
    (guard, Subjects::new(&database))
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
    pub(crate) fn new(database: &Database) -> Self {
        let app = database.with_app(AppNumber::FIRST);
        Self {
            database: database.clone(),
            keys: PgKeyStore::new(database),
            limiter: PgRateLimiter::new(database),
            bindings: PgBindingRepo::new(&app),
            nodes: [PgAdmission::new(&app), PgAdmission::new(&app)],
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
    fn new(database: &Database) -> Self {
        let database = database.with_app(AppNumber::FIRST);
        Self { bindings: PgBindingRepo::new(&database), directory: PgDirectory::new(&database) }
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
    fn new(database: &Database) -> Self {
        Self {
            listed: Listed::new(database),
            app: database.with_app(AppNumber::FIRST),
            states: PgStateStore::new(&database.with_app(AppNumber::FIRST)),
            keys: PgKeyStore::new(database),
            subjects: PgDataSubjects::new(database),
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

/// The same through PgBouncer in transaction mode.
mod pooled {
    use super::{Admitting, AppNumber, PgBindingRepo, PgRateLimiter, PgStateStore, outboxes};
    use crate::pgbouncer;

    dockline_testkit::admission_suite!(async {
        let (guard, database) = pgbouncer::database().await;
        (guard, Admitting::new(&database))
    });

    dockline_testkit::binding_repo_suite!(async {
        let (guard, database) = pgbouncer::database().await;
        (guard, PgBindingRepo::new(&database.with_app(AppNumber::FIRST)))
    });
    dockline_testkit::state_store_suite!(async {
        let (guard, database) = pgbouncer::database().await;
        (guard, PgStateStore::new(&database.with_app(AppNumber::FIRST)))
    });
    dockline_testkit::outbox_suite!(async { outboxes(pgbouncer::database().await).await });
    dockline_testkit::rate_limiter_suite!(async {
        let (guard, database) = pgbouncer::database().await;
        (guard, PgRateLimiter::new(&database))
    });

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

/// Two Apps of one schema. Each node has handles of its own.
async fn outboxes<G>((guard, database): (G, Database)) -> (G, Outboxes) {
    PgApps::new(&database).add("https://api.github.com", AppId::new(1).unwrap(), NOON).await.unwrap();
    let second = PgApps::new(&database).add("https://api.github.com", AppId::new(2).unwrap(), NOON).await;
    (guard, Outboxes([database.with_app(AppNumber::FIRST), second.unwrap()]))
}

#[derive(Debug)]
struct Outboxes([AppDatabase; 2]);

#[async_trait]
impl OutboxDriver for Outboxes {
    async fn node(&self, app: u64) -> Node {
        let [first, second] = &self.0;
        let database = if app == 1 { first } else { second };
        node(app, database).await
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

async fn keys() -> (test_schema::SchemaGuard, Keys) {
    let (guard, database) = test_database::database().await;
    (guard, Keys(PgKeyStore::new(&database)))
}

#[derive(Debug)]
struct Keys(PgKeyStore);

#[async_trait]
impl KeyStoreDriver for Keys {
    fn keys(&self) -> &dyn KeyStore {
        &self.0
    }

    async fn insert(&self, record: KeyRecord) {
        assert!(self.0.insert(&record, "", OffsetDateTime::UNIX_EPOCH).await.unwrap());
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        assert!(self.0.revoke(id, at).await.unwrap());
    }
}

#[derive(Debug)]
struct Usage {
    keys: PgKeyStore,
    usage: PgKeyUsage,
}

#[async_trait]
impl KeyUsageDriver for Usage {
    fn usage(&self) -> &dyn KeyUsage {
        &self.usage
    }

    async fn insert(&self, record: KeyRecord) {
        assert!(self.keys.insert(&record, "", OffsetDateTime::UNIX_EPOCH).await.unwrap());
    }

    async fn flush(&self) {
        self.usage.write().await.unwrap();
    }

    async fn last_used(&self, id: &KeyId) -> Option<OffsetDateTime> {
        self.keys.entry(id).await.unwrap().and_then(|entry| entry.last_used_at)
    }
}
