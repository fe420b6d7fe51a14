//! The conformance suites of all storage ports.

use async_trait::async_trait;
use dockline::ports::{KeyStore, KeyUsage};
use dockline::{KeyId, KeyRecord};
use dockline_postgres::{
    AppNumber, PgBindingRepo, PgKeyStore, PgKeyUsage, PgRateLimiter, PgRedeliveryStore, PgStateStore,
};
use dockline_testkit::key_store::KeyStoreDriver;
use dockline_testkit::key_usage::KeyUsageDriver;
use time::OffsetDateTime;

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
dockline_testkit::redelivery_store_suite!(async {
    let (guard, database) = test_database::database().await;
    (guard, PgRedeliveryStore::new(&database.with_app(AppNumber::FIRST)))
});
dockline_testkit::key_store_suite!(async { keys().await });
dockline_testkit::key_usage_suite!(async {
    let (guard, database) = test_database::database().await;
    (guard, Usage { keys: PgKeyStore::new(&database), usage: PgKeyUsage::new(&database) })
});

/// The same through PgBouncer in transaction mode.
mod pooled {
    use super::{AppNumber, PgBindingRepo, PgRateLimiter, PgStateStore};
    use crate::pgbouncer;

    dockline_testkit::binding_repo_suite!(async {
        let (guard, database) = pgbouncer::database().await;
        (guard, PgBindingRepo::new(&database.with_app(AppNumber::FIRST)))
    });
    dockline_testkit::state_store_suite!(async {
        let (guard, database) = pgbouncer::database().await;
        (guard, PgStateStore::new(&database.with_app(AppNumber::FIRST)))
    });
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
