//! The example of `docs/writing-an-adapter.md`: a complete adapter and its suite.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord, PortError, PortErrorKind, PortName};
use dockline_testkit::key_store::KeyStoreDriver;
use time::OffsetDateTime;

/// Keys that the host loads as a whole; `None` before the first load.
#[derive(Clone, Default)]
pub struct LoadedKeys(Arc<Mutex<Option<HashMap<KeyId, KeyRecord>>>>);

impl LoadedKeys {
    /// Replaces all keys in one step.
    pub fn load(&self, records: Vec<KeyRecord>) {
        let keys = records.into_iter().map(|record| (record.id.clone(), record)).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys);
    }
}

impl fmt::Debug for LoadedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoadedKeys")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the keys have not been loaded yet")]
struct NotLoaded;

#[async_trait]
impl KeyStore for LoadedKeys {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*keys {
            // Revoked keys included: the core rejects them.
            Some(keys) => Ok(keys.get(id).cloned()),
            // Not `None`: the caller would get a 401 for a valid key.
            None => Err(PortError::new(PortName::KeyStore, PortErrorKind::Unavailable, NotLoaded)),
        }
    }
}

// The test:

/// Writes keys for the suite, because the port itself only reads.
#[derive(Debug, Default)]
struct Driver {
    keys: LoadedKeys,
    records: Mutex<Vec<KeyRecord>>,
}

#[async_trait]
impl KeyStoreDriver for Driver {
    fn keys(&self) -> &dyn KeyStore {
        &self.keys
    }

    async fn insert(&self, record: KeyRecord) {
        let mut records = self.records.lock().unwrap();
        records.push(record);
        self.keys.load(records.clone());
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        let mut records = self.records.lock().unwrap();
        for record in records.iter_mut().filter(|record| record.id == *id) {
            record.revoked_at = Some(at);
        }
        self.keys.load(records.clone());
    }
}

dockline_testkit::key_store_suite!(async {
    let driver = Driver::default();
    driver.keys.load(Vec::new());
    driver
});

#[test]
fn documentation_shows_this_file() {
    let page = include_str!("../../../docs/writing-an-adapter.md");
    let shown = page.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file = include_str!("writing_an_adapter.rs");
    assert!(file.contains(shown), "copy this file into docs/writing-an-adapter.md");
}
