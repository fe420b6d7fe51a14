//! Every storage port's suite.

use async_trait::async_trait;
use dockline::ports::{KeyStore, KeyUsage};
use dockline::{KeyId, KeyRecord};
use dockline_postgres::{PgBindingRepo, PgKeyStore, PgKeyUsage, PgRateLimiter, PgStateStore};
use dockline_testkit::key_store::KeyStoreDriver;
use dockline_testkit::key_usage::KeyUsageDriver;
use time::OffsetDateTime;

use crate::{fresh, migrated};

dockline_testkit::binding_repo_suite!(async {
    let (guard, database) = migrated::database().await;
    (guard, PgBindingRepo::new(&database))
});
dockline_testkit::state_store_suite!(async {
    let (guard, database) = migrated::database().await;
    (guard, PgStateStore::new(&database))
});
dockline_testkit::rate_limiter_suite!(async {
    let (guard, database) = migrated::database().await;
    (guard, PgRateLimiter::new(&database))
});
dockline_testkit::key_store_suite!(async { keys().await });
dockline_testkit::key_usage_suite!(async {
    let (guard, database) = migrated::database().await;
    (guard, Usage { keys: PgKeyStore::new(&database), usage: PgKeyUsage::new(&database) })
});

/// Once more through a pooler in transaction mode.
mod pooled {
    use super::{PgBindingRepo, PgRateLimiter, PgStateStore};
    use crate::pooler;

    dockline_testkit::binding_repo_suite!(async {
        let (guard, database) = pooler::database().await;
        (guard, PgBindingRepo::new(&database))
    });
    dockline_testkit::state_store_suite!(async {
        let (guard, database) = pooler::database().await;
        (guard, PgStateStore::new(&database))
    });
    dockline_testkit::rate_limiter_suite!(async {
        let (guard, database) = pooler::database().await;
        (guard, PgRateLimiter::new(&database))
    });

    #[tokio::test]
    async fn it_is_a_pooler_that_lends_connections_by_the_transaction() {
        let (_guard, database) = pooler::database().await;
        let backend = async || -> i32 {
            let client = database.pool().get().await.unwrap();
            let rows = client.query_typed("SELECT pg_backend_pid()", &[]).await.unwrap();
            rows.first().unwrap().get(0)
        };
        // Two server connections for eight of ours: some transactions meet on one.
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

async fn keys() -> (fresh::Fresh, Keys) {
    let (guard, database) = migrated::database().await;
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
