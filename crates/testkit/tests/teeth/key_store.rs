//! Wrong key stores.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord, PortError, Scope};
use dockline_memory::MemoryKeyStore;
use dockline_testkit::fixtures::NOON;
use dockline_testkit::key_store::{KeyStoreDriver, clauses};
use time::OffsetDateTime;

use crate::bites;

/// What is wrong with a [`Store`].
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// A revoked key is as good as none, so that nobody can tell the two apart.
    HidesRevokedKeys,
    /// I13: what was read once is never read again.
    CachesForEver,
    /// An id of 32 characters, compared by the first 14.
    ComparesABeginning,
    /// Scopes that the store does not know are dropped.
    DropsForeignScopes,
    /// Whoever asks for any key gets one.
    KnowsEverybody,
    /// Keys live for ever.
    DropsExpiries,
    /// An expired key is as good as none.
    HidesExpiredKeys,
}

#[derive(Debug)]
struct Store {
    fault: Fault,
    memory: MemoryKeyStore,
    cache: Mutex<HashMap<KeyId, KeyRecord>>,
    given: Mutex<Vec<KeyId>>,
}

impl Store {
    fn with(fault: Fault) -> Self {
        let (memory, cache, given) = (MemoryKeyStore::new(), Mutex::default(), Mutex::default());
        Self { fault, memory, cache, given }
    }

    fn looked_up(&self, id: &KeyId) -> KeyId {
        let alike = |given: &&KeyId| match self.fault {
            Fault::ComparesABeginning => given.as_str()[..14] == id.as_str()[..14],
            Fault::KnowsEverybody => true,
            Fault::HidesRevokedKeys
            | Fault::CachesForEver
            | Fault::DropsForeignScopes
            | Fault::DropsExpiries
            | Fault::HidesExpiredKeys => *given == id,
        };
        self.given.lock().unwrap().iter().find(alike).unwrap_or(id).clone()
    }
}

#[async_trait]
impl KeyStore for Store {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        if let Some(cached) = self.cache.lock().unwrap().get(id) {
            return Ok(Some(cached.clone()));
        }
        let Some(mut record) = self.memory.find(&self.looked_up(id)).await? else { return Ok(None) };
        match self.fault {
            Fault::HidesRevokedKeys if record.revoked_at.is_some() => return Ok(None),
            Fault::HidesExpiredKeys if record.expires_at.is_some_and(|at| at <= NOON) => return Ok(None),
            Fault::DropsExpiries => record.expires_at = None,
            Fault::DropsForeignScopes => record.scopes.retain(|scope| !matches!(scope, Scope::Other(_))),
            Fault::CachesForEver => {
                self.cache.lock().unwrap().insert(id.clone(), record.clone());
            }
            Fault::HidesRevokedKeys
            | Fault::HidesExpiredKeys
            | Fault::ComparesABeginning
            | Fault::KnowsEverybody => {}
        }
        Ok(Some(record))
    }
}

#[async_trait]
impl KeyStoreDriver for Store {
    fn keys(&self) -> &dyn KeyStore {
        self
    }

    async fn insert(&self, record: KeyRecord) {
        self.given.lock().unwrap().push(record.id.clone());
        self.memory.insert(record);
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        assert!(self.memory.revoke(id, at));
    }
}

bites! {
    KeyStoreDriver;
    a_store_that_hides_revoked_keys: Store::with(Fault::HidesRevokedKeys) =>
        clauses::a_revoked_key_is_found_at_once_with_the_time_of_its_revocation,
        clauses::every_kind_of_record_comes_back;
    a_cache_that_outlives_a_revocation: Store::with(Fault::CachesForEver) =>
        clauses::a_revoked_key_is_found_at_once_with_the_time_of_its_revocation;
    ids_that_are_compared_by_their_beginning: Store::with(Fault::ComparesABeginning) =>
        clauses::an_id_is_matched_by_the_letter;
    expiries_that_are_dropped: Store::with(Fault::DropsExpiries) =>
        clauses::an_expired_key_is_found_with_the_time_of_its_expiry,
        clauses::every_kind_of_record_comes_back;
    a_store_that_hides_expired_keys: Store::with(Fault::HidesExpiredKeys) =>
        clauses::an_expired_key_is_found_with_the_time_of_its_expiry;
    scopes_that_are_dropped: Store::with(Fault::DropsForeignScopes) =>
        clauses::every_kind_of_record_comes_back;
    a_key_for_everybody: Store::with(Fault::KnowsEverybody) =>
        clauses::an_id_that_was_never_given_out_is_none,
        clauses::a_key_is_found_as_it_was_given;
}
