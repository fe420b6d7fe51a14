//! The suites of API keys. Keys are written by one handle and read by the other.

use async_trait::async_trait;
use dockline::ports::{KeyAdmin, KeyStore, KeyUsage};
use dockline::{KeyId, KeyRecord};
use dockline_sqlite::{SqliteKeyStore, SqliteKeyUsage};
use dockline_testkit::key_admin::KeyAdminDriver;
use dockline_testkit::key_store::KeyStoreDriver;
use dockline_testkit::key_usage::KeyUsageDriver;
use time::OffsetDateTime;

use crate::test_database::{TestFile, two_handles};

dockline_testkit::key_store_suite!(async { keys().await });
dockline_testkit::key_usage_suite!(async { keys().await });
dockline_testkit::key_admin_suite!(async { keys().await });

#[derive(Debug)]
struct Keys {
    written: SqliteKeyStore,
    read: SqliteKeyStore,
    usage: [SqliteKeyUsage; 2],
}

async fn keys() -> (TestFile, Keys) {
    let (file, databases) = two_handles().await;
    let [written, read] = databases.each_ref().map(SqliteKeyStore::new);
    (file, Keys { written, read, usage: databases.each_ref().map(SqliteKeyUsage::new) })
}

#[async_trait]
impl KeyStoreDriver for Keys {
    fn keys(&self) -> &dyn KeyStore {
        &self.read
    }

    async fn insert(&self, record: KeyRecord) {
        assert!(self.written.insert(&record, "", OffsetDateTime::UNIX_EPOCH).await.unwrap());
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        assert!(self.written.revoke(id, at).await.unwrap());
    }
}

#[async_trait]
impl KeyUsageDriver for Keys {
    fn usage(&self) -> &dyn KeyUsage {
        &self.usage[0]
    }

    fn other_node(&self) -> &dyn KeyUsage {
        &self.usage[1]
    }

    async fn insert(&self, record: KeyRecord) {
        KeyStoreDriver::insert(self, record).await;
    }

    async fn flush(&self) {
        for node in &self.usage {
            node.write().await.unwrap();
        }
    }

    async fn last_used(&self, id: &KeyId) -> Option<OffsetDateTime> {
        self.read.entry(id).await.unwrap().and_then(|entry| entry.last_used_at)
    }
}

#[async_trait]
impl KeyAdminDriver for Keys {
    fn admin(&self) -> &dyn KeyAdmin {
        &self.written
    }

    fn other_node(&self) -> &dyn KeyAdmin {
        &self.read
    }

    fn keys(&self) -> &dyn KeyStore {
        &self.read
    }

    async fn used(&self, id: &KeyId, at: OffsetDateTime) {
        self.usage[0].used(id, at);
        self.usage[0].write().await.unwrap();
    }
}
