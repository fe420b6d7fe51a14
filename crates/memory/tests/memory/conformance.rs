//! The conformance suites of all storage ports.
#![expect(clippy::unwrap_used, reason = "memory does not fail")]

use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{
    Admission, BindingCounter, BindingRepo, DataSubjects, Directory, KeyAdmin, KeyStore, KeyUsage,
    RateLimiter, StateStore, Tombstones,
};
use dockline::{KeyId, KeyRecord, OutboxUsage};
use dockline_memory::{
    MemoryAdmission, MemoryBindingRepo, MemoryDataSubjects, MemoryKeyStore, MemoryKeyUsage, MemoryOutbox,
    MemoryRateLimiter, MemoryRedeliveryStore, MemoryStateStore, MemoryTombstones,
};
use dockline_testkit::admission::AdmissionDriver;
use dockline_testkit::data_subjects::DataSubjectsDriver;
use dockline_testkit::directory::DirectoryDriver;
use dockline_testkit::key_admin::KeyAdminDriver;
use dockline_testkit::key_store::KeyStoreDriver;
use dockline_testkit::key_usage::KeyUsageDriver;
use dockline_testkit::operators::OperatorsDriver;
use dockline_testkit::outbox::{BOUNDS, Node, OutboxDriver};
use time::OffsetDateTime;

// Clones are handles to one store, which a process cannot share with another one.
dockline_testkit::binding_repo_suite!(async { twice(&MemoryBindingRepo::new()) });
dockline_testkit::state_store_suite!(async { twice(&MemoryStateStore::new()) });
dockline_testkit::rate_limiter_suite!(async { twice(&MemoryRateLimiter::new()) });
dockline_testkit::redelivery_store_suite!(async { twice(&MemoryRedeliveryStore::new()) });
dockline_testkit::admission_suite!(async { Admitting::new() });
dockline_testkit::key_store_suite!(async { Keys::default() });
dockline_testkit::key_usage_suite!(async { Keys::default() });
dockline_testkit::key_admin_suite!(async { Keys::default() });
dockline_testkit::operators_suite!(async { Operated::default() });
dockline_testkit::outbox_suite!(async { Outboxes::default() });

fn twice<T: Clone>(adapter: &T) -> [T; 2] {
    [adapter.clone(), adapter.clone()]
}

/// The repositories of two Apps, each with its outbox.
#[derive(Debug, Default)]
struct Outboxes([MemoryBindingRepo; 2]);

#[async_trait]
impl OutboxDriver for Outboxes {
    async fn node(&self, app: u64) -> Node {
        let [first, second] = &self.0;
        let bindings = if app == 1 { first } else { second };
        node(app, bindings)
    }

    async fn close(&self, _: u64) -> bool {
        false
    }

    async fn usage(&self, _: u64, _: OffsetDateTime) -> Option<OutboxUsage> {
        None
    }
}

fn node(app: u64, bindings: &MemoryBindingRepo) -> Node {
    let outbox = MemoryOutbox::open(bindings, BOUNDS);
    Node {
        app,
        bindings: Arc::new(bindings.clone()),
        deliveries: Arc::new(outbox.clone()),
        outbox: Arc::new(outbox),
    }
}

dockline_testkit::directory_suite!(async { Listed(MemoryBindingRepo::new()) });
dockline_testkit::data_subjects_suite!(async { Subjects::new() });

#[derive(Debug)]
struct Listed(MemoryBindingRepo);

impl DirectoryDriver for Listed {
    fn bindings(&self) -> &dyn BindingRepo {
        &self.0
    }

    fn directory(&self) -> &dyn Directory {
        &self.0
    }
}

#[derive(Debug)]
struct Subjects {
    bindings: MemoryBindingRepo,
    states: MemoryStateStore,
    keys: MemoryKeyStore,
    subjects: MemoryDataSubjects,
}

impl Subjects {
    fn new() -> Self {
        let (bindings, states, keys) =
            (MemoryBindingRepo::new(), MemoryStateStore::new(), MemoryKeyStore::new());
        let subjects = MemoryDataSubjects::new(bindings.clone(), states.clone(), keys.clone());
        Self { bindings, states, keys, subjects }
    }
}

#[async_trait]
impl DataSubjectsDriver for Subjects {
    fn subjects(&self) -> &dyn DataSubjects {
        &self.subjects
    }

    fn bindings(&self) -> &dyn BindingRepo {
        &self.bindings
    }

    fn directory(&self) -> &dyn Directory {
        &self.bindings
    }

    async fn open_outbox(&self) -> Node {
        node(1, &self.bindings)
    }

    fn states(&self) -> &dyn StateStore {
        &self.states
    }

    fn keys(&self) -> &dyn KeyStore {
        &self.keys
    }

    async fn insert_key(&self, record: KeyRecord) {
        self.keys.put(record);
    }
}

#[derive(Debug)]
struct Keys {
    keys: MemoryKeyStore,
    usage: MemoryKeyUsage,
}

impl Default for Keys {
    fn default() -> Self {
        let keys = MemoryKeyStore::new();
        Self { usage: keys.usage(), keys }
    }
}

#[async_trait]
impl KeyStoreDriver for Keys {
    fn keys(&self) -> &dyn KeyStore {
        &self.keys
    }

    async fn insert(&self, record: KeyRecord) {
        self.keys.put(record);
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        assert!(self.keys.revoke(id, at).await.unwrap());
    }
}

#[async_trait]
impl KeyUsageDriver for Keys {
    fn usage(&self) -> &dyn KeyUsage {
        &self.usage
    }

    fn other_node(&self) -> &dyn KeyUsage {
        &self.usage
    }

    async fn insert(&self, record: KeyRecord) {
        self.keys.put(record);
    }

    async fn flush(&self) {}

    async fn last_used(&self, id: &KeyId) -> Option<OffsetDateTime> {
        self.keys.entry(id).await.unwrap().and_then(|entry| entry.last_used_at)
    }
}

#[async_trait]
impl KeyAdminDriver for Keys {
    fn admin(&self) -> &dyn KeyAdmin {
        &self.keys
    }

    fn other_node(&self) -> &dyn KeyAdmin {
        &self.keys
    }

    fn keys(&self) -> &dyn KeyStore {
        &self.keys
    }

    async fn used(&self, id: &KeyId, at: OffsetDateTime) {
        self.usage.used(id, at);
    }
}

/// Two Apps, each with its repository.
#[derive(Debug)]
struct Operated {
    bindings: [MemoryBindingRepo; 2],
    tombstones: [MemoryTombstones; 2],
}

impl Default for Operated {
    fn default() -> Self {
        let bindings = [MemoryBindingRepo::new(), MemoryBindingRepo::new()];
        Self { tombstones: bindings.clone().map(MemoryTombstones::new), bindings }
    }
}

impl OperatorsDriver for Operated {
    fn bindings(&self) -> &dyn BindingRepo {
        &self.bindings[0]
    }

    fn counter(&self) -> &dyn BindingCounter {
        &self.bindings[0]
    }

    fn tombstones(&self) -> &dyn Tombstones {
        &self.tombstones[0]
    }

    fn bindings_of_other_app(&self) -> &dyn BindingRepo {
        &self.bindings[1]
    }

    fn tombstones_of_other_app(&self) -> &dyn Tombstones {
        &self.tombstones[1]
    }
}

#[derive(Debug)]
struct Admitting {
    keys: MemoryKeyStore,
    limiter: MemoryRateLimiter,
    bindings: MemoryBindingRepo,
    nodes: [MemoryAdmission; 2],
}

impl Admitting {
    fn new() -> Self {
        let (keys, limiter, bindings) =
            (MemoryKeyStore::new(), MemoryRateLimiter::new(), MemoryBindingRepo::new());
        let node = || MemoryAdmission::new(keys.clone(), limiter.clone(), bindings.clone());
        Self { nodes: [node(), node()], keys, limiter, bindings }
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
        self.keys.put(record);
    }

    async fn replace(&self, record: KeyRecord) {
        self.keys.put(record);
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        assert!(self.keys.revoke(id, at).await.unwrap());
    }
}
