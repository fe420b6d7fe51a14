//! Wrong key stores and wrong stores of key usage.

mod store {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use dockline::ports::{KeyAdmin, KeyStore};
    use dockline::{KeyId, KeyRecord, PortError, Scope};
    use dockline_memory::MemoryKeyStore;
    use dockline_testkit::key_store::{KeyStoreDriver, cases};
    use time::OffsetDateTime;

    use crate::{killed, without_offset};

    #[derive(Debug, PartialEq, Eq)]
    enum Defect {
        /// Caches every record forever (I13).
        Caches,
        /// Compares the first 14 of 32 characters of an id.
        ComparesAPrefix,
        /// Drops scopes that it does not know, as a column of an enumeration type does.
        DropsUnknownScopes,
        /// Stores times without their offsets.
        DropsOffsets,
        /// Stores hosts and scopes in lower case.
        LowersTheCase,
    }

    /// The memory store with one defect.
    #[derive(Debug)]
    struct Store {
        defect: Defect,
        memory: MemoryKeyStore,
        cache: Mutex<HashMap<KeyId, KeyRecord>>,
        ids: Mutex<Vec<KeyId>>,
    }

    impl Store {
        fn with(defect: Defect) -> Self {
            Self { defect, memory: MemoryKeyStore::new(), cache: Mutex::default(), ids: Mutex::default() }
        }

        fn looked_up(&self, id: &KeyId) -> KeyId {
            let matches = |stored: &&KeyId| match self.defect {
                Defect::ComparesAPrefix => stored.as_str()[..14] == id.as_str()[..14],
                _ => *stored == id,
            };
            self.ids.lock().unwrap().iter().find(matches).unwrap_or(id).clone()
        }
    }

    #[async_trait]
    impl KeyStore for Store {
        async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
            if let Some(cached) = self.cache.lock().unwrap().get(id) {
                return Ok(Some(cached.clone()));
            }
            let Some(mut record) = self.memory.find(&self.looked_up(id)).await? else { return Ok(None) };
            match self.defect {
                Defect::DropsUnknownScopes => {
                    record.scopes.retain(|scope| !matches!(scope, Scope::Other(_)));
                }
                Defect::Caches => {
                    self.cache.lock().unwrap().insert(id.clone(), record.clone());
                }
                Defect::LowersTheCase => {
                    let lower = |scope: &Scope| scope.as_str().to_lowercase().parse().unwrap();
                    record.scopes = record.scopes.iter().map(lower).collect();
                }
                Defect::ComparesAPrefix | Defect::DropsOffsets => {}
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
            self.ids.lock().unwrap().push(record.id.clone());
            self.memory.put(record);
        }

        async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
            let at = if self.defect == Defect::DropsOffsets { without_offset(at) } else { at };
            assert!(self.memory.revoke(id, at).await.unwrap());
        }
    }

    killed! {
        KeyStoreDriver;
        offsets_dropped: Store::with(Defect::DropsOffsets) => cases::offsets_of_times_change_nothing;
        case_lowered: Store::with(Defect::LowersTheCase) => cases::case_of_letters_is_kept;
        // Derives `Debug` over its cache (I14).
        rows_shown: Store::with(Defect::Caches) => cases::debug_shows_nothing_stored;
        key_cached_beyond_its_revocation: Store::with(Defect::Caches) =>
            cases::revocation_is_visible_at_once;
        key_found_by_a_prefix_of_its_id: Store::with(Defect::ComparesAPrefix) =>
            cases::id_must_match_exactly;
        unknown_scopes_dropped: Store::with(Defect::DropsUnknownScopes) =>
            cases::every_kind_of_record_round_trips;
    }
}

mod usage {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use dockline::ports::KeyUsage;
    use dockline::{KeyId, KeyRecord};
    use dockline_testkit::key_usage::{KeyUsageDriver, cases, nodes};
    use time::OffsetDateTime;

    use crate::{killed, without_offset};

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Defect {
        /// None: a buffered adapter that stores whole hours, as the port allows.
        None,
        /// Overwrites the stored time without a comparison (I27).
        Overwrites,
        /// Compares a use with what this node wrote, not with what is stored.
        ComparesWithItsOwnWrites,
        /// Discards the whole batch if one of its keys is unknown.
        FailsOnUnknownKeys,
        /// Clears the buffer after the write, with uses that came during the write.
        ClearsAfterTheWrite,
        /// Buffers ten uses and drops the others.
        DropsUses,
        /// Compares what the clocks showed, without the offsets.
        DropsOffsets,
    }

    /// Two nodes with buffers of their own.
    #[derive(Debug)]
    struct Usage {
        nodes: [Node; 2],
        stored: Mutex<HashMap<KeyId, Option<OffsetDateTime>>>,
    }

    #[derive(Debug)]
    struct Node {
        defect: Defect,
        buffer: Mutex<Vec<(KeyId, OffsetDateTime)>>,
        written: Mutex<HashMap<KeyId, OffsetDateTime>>,
    }

    impl Usage {
        fn with(defect: Defect) -> Self {
            let node = || Node { defect, buffer: Mutex::default(), written: Mutex::default() };
            Self { nodes: [node(), node()], stored: Mutex::default() }
        }
    }

    impl KeyUsage for Node {
        fn used(&self, key: &KeyId, at: OffsetDateTime) {
            let mut buffer = self.buffer.lock().unwrap();
            if self.defect == Defect::DropsUses && buffer.len() >= 10 {
                return;
            }
            let at = if self.defect == Defect::DropsOffsets { without_offset(at) } else { at };
            buffer.push((key.clone(), at));
        }
    }

    impl Node {
        async fn write(&self, stored: &Mutex<HashMap<KeyId, Option<OffsetDateTime>>>) {
            let batch = self.buffer.lock().unwrap().clone();
            if self.defect == Defect::ClearsAfterTheWrite {
                tokio::task::yield_now().await;
            } else {
                self.buffer.lock().unwrap().retain(|used| !batch.contains(used));
            }
            let mut stored = stored.lock().unwrap();
            let unknown = batch.iter().any(|(id, _)| !stored.contains_key(id));
            if self.defect == Defect::FailsOnUnknownKeys && unknown {
                return;
            }
            let mut latest: HashMap<KeyId, OffsetDateTime> = HashMap::new();
            for (id, at) in batch {
                let known = latest.entry(id).or_insert(at);
                *known = (*known).max(at);
            }
            for (id, at) in latest {
                let mut written = self.written.lock().unwrap();
                let own = written.entry(id.clone()).or_insert(at);
                *own = (*own).max(at);
                if let Some(last) = stored.get_mut(&id) {
                    *last = match self.defect {
                        Defect::Overwrites => Some(at),
                        Defect::ComparesWithItsOwnWrites => Some(*own),
                        _ => (*last).max(Some(at.truncate_to_hour())),
                    };
                }
            }
            if self.defect == Defect::ClearsAfterTheWrite {
                self.buffer.lock().unwrap().clear();
            }
        }
    }

    #[async_trait]
    impl KeyUsageDriver for Usage {
        fn usage(&self) -> &dyn KeyUsage {
            &self.nodes[0]
        }

        fn other_node(&self) -> &dyn KeyUsage {
            &self.nodes[1]
        }

        async fn insert(&self, record: KeyRecord) {
            self.stored.lock().unwrap().insert(record.id, None);
        }

        async fn flush(&self) {
            for node in &self.nodes {
                node.write(&self.stored).await;
            }
        }

        async fn last_used(&self, id: &KeyId) -> Option<OffsetDateTime> {
            self.stored.lock().unwrap().get(id).copied().flatten()
        }
    }

    dockline_testkit::key_usage_suite!(async { Usage::with(Defect::None) });

    killed! {
        KeyUsageDriver;
        offsets_dropped: Usage::with(Defect::DropsOffsets) => cases::offsets_of_times_change_nothing;
        time_overwritten: Usage::with(Defect::Overwrites) =>
            cases::earlier_use_does_not_move_the_time_back,
            nodes::random_uses_stay_within_the_hour;
        own_writes_compared: Usage::with(Defect::ComparesWithItsOwnWrites) =>
            nodes::later_use_counts_whichever_node_writes_first,
            nodes::random_uses_stay_within_the_hour,
            nodes::racing_nodes_store_the_latest_use;
        batch_discarded_for_an_unknown_key: Usage::with(Defect::FailsOnUnknownKeys) =>
            cases::unknown_key_does_not_spoil_the_batch;
        buffer_cleared_after_the_write: Usage::with(Defect::ClearsAfterTheWrite) =>
            cases::concurrent_uses_are_all_stored;
        uses_dropped_by_a_full_buffer: Usage::with(Defect::DropsUses) =>
            cases::use_counts_for_its_own_key;
    }
}
