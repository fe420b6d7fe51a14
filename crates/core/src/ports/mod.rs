//! The traits through which the core reaches the outside: small, object-safe and held as `Arc<dyn Port>`.
//!
//! Every port is also implemented for `Arc<P>` and `Box<P>`, so that decorators nest.
//!
//! Rules for adapters:
//! - Business outcomes are values. A [`PortError`](crate::PortError) always is an infrastructure failure.
//! - Each method is atomic. A future that is dropped before it completes has its whole effect or none, and keeps no lock,
//!   connection or place in a queue.
//! - No method keeps a transaction open for its caller.
//! - Several nodes use one store at the same time: a constraint, a lock of the store or its atomic operation decides, never a
//!   lock, a cache or a counter of one process.
//! - If the store aborts a transaction because of another one (a deadlock, a serialization failure, a conflicting write), the
//!   adapter repeats it within the call's deadline. The caller never sees it.
//! - Every call has a deadline, which includes the wait for a connection and all attempts. A store that is unreachable or does
//!   not answer is [`Unavailable`](crate::PortErrorKind::Unavailable), never an answer such as `None`. After it is back, the
//!   adapter works again without a restart.
//! - A stored value that does not parse is [`Corrupt`](crate::PortErrorKind::Corrupt), not left out.
//! - A time is an instant: its offset from UTC changes neither what is stored nor how it is compared. Stored times are truncated
//!   to whole microseconds. The adapter has no clock of its own: times are arguments.
//! - Ids, digests, GUIDs and names are compared byte by byte: the case of a letter distinguishes them. Every other text is
//!   returned byte by byte as it was passed.
//! - Nothing is deleted before its time. The methods and [`Housekeeping`] say how long; what they do not mention is kept for ever.
//! - A list has at most `limit` entries; none if it is 0.
//! - `Debug` of an adapter, of its handles and of its options shows no secret of its configuration and nothing that is stored.
//!   Neither does an error.
//! - There are no default methods, so that every adapter decides on each one. Optional capabilities are separate traits.
//!
//! # A complete adapter
//!
//! `docs/writing-an-adapter.md` has instructions, and this adapter with its tests.
//!
//! ```
//! use std::collections::HashMap;
//! use std::fmt;
//! use std::sync::{Arc, Mutex, PoisonError};
//!
//! use async_trait::async_trait;
//! use dockline::ports::KeyStore;
//! use dockline::{KeyId, KeyRecord, PortError, PortErrorKind, PortName};
//!
//! /// Keys that the host loads as a whole; `None` before the first load.
//! #[derive(Clone, Default)]
//! pub struct LoadedKeys(Arc<Mutex<Option<HashMap<KeyId, KeyRecord>>>>);
//!
//! impl LoadedKeys {
//!     /// Replaces all keys in one step.
//!     pub fn load(&self, records: Vec<KeyRecord>) {
//!         let keys = records.into_iter().map(|record| (record.id.clone(), record)).collect();
//!         *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys);
//!     }
//! }
//!
//! impl fmt::Debug for LoadedKeys {
//!     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
//!         f.write_str("LoadedKeys")
//!     }
//! }
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error("the keys have not been loaded yet")]
//! struct NotLoaded;
//!
//! #[async_trait]
//! impl KeyStore for LoadedKeys {
//!     async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
//!         let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
//!         match &*keys {
//!             // Revoked keys are returned, too: the core checks revocation and expiry.
//!             Some(keys) => Ok(keys.get(id).cloned()),
//!             // `None` would be a 401, although the caller's key may be valid.
//!             None => Err(PortError::new(PortName::KeyStore, PortErrorKind::Unavailable, NotLoaded)),
//!         }
//!     }
//! }
//! ```

mod binding_repo;
mod clock;
mod entropy;
mod events;
mod forward;
mod github_gateway;
mod housekeeping;
mod keys;
mod messages;
mod operators;
mod readiness;
mod refresh_queue;
mod state_store;

pub(crate) use forward::forward;

pub use binding_repo::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, Observed, ReconcileCursor, ReconcileScope,
    ReleaseOutcome,
};
pub use clock::{Clock, ManualClock, SystemClock};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use events::{Event, Events, NoEvents};
pub use github_gateway::{
    AppFacts, AppRegistration, CodeGrant, GithubGateway, ListOutcome, LookupOutcome, MintOutcome, RateLeft,
    UninstallOutcome, VisitorCheck, VisitorInstallations,
};
pub use housekeeping::Housekeeping;
pub use keys::*;
pub use messages::*;
pub use operators::{
    BindingCounter, DataSubjects, Directory, DirectoryQuery, Forgotten, HistoryOf, LoginFilter, Pseudonyms,
    Tombstones,
};
pub use readiness::{Check, Readiness};
pub use refresh_queue::RefreshQueue;
pub use state_store::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};

#[cfg(any(test, feature = "mocks"))]
pub use {
    binding_repo::MockBindingRepo, clock::MockClock, entropy::MockEntropy, events::MockEvents,
    github_gateway::MockGithubGateway, housekeeping::MockHousekeeping, operators::MockBindingCounter,
    operators::MockDataSubjects, operators::MockDirectory, operators::MockTombstones,
    readiness::MockReadiness, refresh_queue::MockRefreshQueue, state_store::MockStateStore,
};
