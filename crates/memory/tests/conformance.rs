//! The conformance suites of all storage ports.

use async_trait::async_trait;
use dockline::ports::{KeyStore, KeyUsage};
use dockline::{KeyId, KeyRecord};
use dockline_memory::{
    MemoryBindingRepo, MemoryKeyStore, MemoryKeyUsage, MemoryRateLimiter, MemoryRedeliveryStore,
    MemoryStateStore,
};
use dockline_testkit::key_store::KeyStoreDriver;
use dockline_testkit::key_usage::KeyUsageDriver;
use time::OffsetDateTime;

dockline_testkit::binding_repo_suite!(async { MemoryBindingRepo::new() });
dockline_testkit::state_store_suite!(async { MemoryStateStore::new() });
dockline_testkit::rate_limiter_suite!(async { MemoryRateLimiter::new() });
dockline_testkit::redelivery_store_suite!(async { MemoryRedeliveryStore::new() });
dockline_testkit::key_store_suite!(async { Keys(MemoryKeyStore::new()) });
dockline_testkit::key_usage_suite!(async { Usage(MemoryKeyUsage::new()) });

#[derive(Debug)]
struct Keys(MemoryKeyStore);

#[async_trait]
impl KeyStoreDriver for Keys {
    fn keys(&self) -> &dyn KeyStore {
        &self.0
    }

    async fn insert(&self, record: KeyRecord) {
        self.0.insert(record);
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        assert!(self.0.revoke(id, at));
    }
}

#[derive(Debug)]
struct Usage(MemoryKeyUsage);

#[async_trait]
impl KeyUsageDriver for Usage {
    fn usage(&self) -> &dyn KeyUsage {
        &self.0
    }

    async fn insert(&self, _: KeyRecord) {}

    async fn flush(&self) {}

    async fn last_used(&self, id: &KeyId) -> Option<OffsetDateTime> {
        self.0.last_used(id)
    }
}
