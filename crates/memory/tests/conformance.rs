//! The conformance suites of all storage ports.

use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{KeyStore, KeyUsage};
use dockline::{KeyId, KeyRecord};
use dockline_memory::{
    MemoryBindingRepo, MemoryKeyStore, MemoryKeyUsage, MemoryOutbox, MemoryRateLimiter,
    MemoryRedeliveryStore, MemoryStateStore,
};
use dockline_testkit::key_store::KeyStoreDriver;
use dockline_testkit::key_usage::KeyUsageDriver;
use dockline_testkit::outbox::{BOUNDS, Node, OutboxDriver};
use time::OffsetDateTime;

dockline_testkit::binding_repo_suite!(async { MemoryBindingRepo::new() });
dockline_testkit::state_store_suite!(async { MemoryStateStore::new() });
dockline_testkit::rate_limiter_suite!(async { MemoryRateLimiter::new() });
dockline_testkit::redelivery_store_suite!(async { MemoryRedeliveryStore::new() });
dockline_testkit::key_store_suite!(async { Keys(MemoryKeyStore::new()) });
dockline_testkit::outbox_suite!(async { Outboxes::default() });
dockline_testkit::key_usage_suite!(async { Usage(MemoryKeyUsage::new()) });

/// The repositories of two Apps, each with its outbox.
#[derive(Debug, Default)]
struct Outboxes([MemoryBindingRepo; 2]);

#[async_trait]
impl OutboxDriver for Outboxes {
    async fn node(&self, app: u64) -> Node {
        let [first, second] = &self.0;
        let bindings = if app == 1 { first } else { second };
        let outbox = MemoryOutbox::open(bindings, BOUNDS);
        Node {
            app,
            bindings: Arc::new(bindings.clone()),
            deliveries: Arc::new(outbox.clone()),
            outbox: Arc::new(outbox),
        }
    }
}

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
