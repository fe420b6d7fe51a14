//! What the core needs from outside: one trait a file, each small, object-safe and held as `Arc<dyn Port>`.
//!
//! Business outcomes are values; a [`PortError`](crate::PortError) always means infrastructure. There are no default
//! methods, so that an adapter cannot inherit a behaviour it never thought about; optional capabilities are further
//! traits. Adapters keep secrets out of their `Debug`.
//!
//! No method holds a transaction open for its caller: each one is atomic by itself, and a future that is dropped
//! halfway has either its whole effect or none.

mod binding_repo;
mod clock;
mod entropy;
mod events;
mod github_gateway;
mod key_store;
mod rate_limiter;
mod state_store;

pub use binding_repo::{BindingRepo, Insertion, Observation, Release};
pub use clock::{Clock, ManualClock, SystemClock};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use events::{Event, Events, NoEvents};
pub use github_gateway::{AppFacts, AppRegistration, GithubGateway, Lookup, Proving, Removal};
pub use key_store::KeyStore;
pub use rate_limiter::{RateLimiter, Take, Verdict};
pub use state_store::{Put, StateStore, Vouched};

#[cfg(any(test, feature = "mocks"))]
pub use {
    binding_repo::MockBindingRepo, clock::MockClock, entropy::MockEntropy, events::MockEvents,
    github_gateway::MockGithubGateway, key_store::MockKeyStore, rate_limiter::MockRateLimiter,
    state_store::MockStateStore,
};
