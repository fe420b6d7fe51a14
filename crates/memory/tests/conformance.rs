//! Every storage port's suite, passed by its memory adapter.

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};
use dockline_testkit::key_store::KeyStoreDriver;
use time::OffsetDateTime;

dockline_testkit::binding_repo_suite!(async { MemoryBindingRepo::new() });
dockline_testkit::state_store_suite!(async { MemoryStateStore::new() });
dockline_testkit::rate_limiter_suite!(async { MemoryRateLimiter::new() });
dockline_testkit::key_store_suite!(async { Keys(MemoryKeyStore::new()) });

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
