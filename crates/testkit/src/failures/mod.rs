//! The cases of adapters whose backend fails. [`failures_suite!`](crate::failures_suite) runs them.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, KeyStore, Outbox, RateLimiter, RedeliveryStore, StateStore};

use crate::runner::suite;

pub mod backend;
mod calls;
pub mod contents;

/// How the backend fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It cannot be reached: connections are refused or reset, the file cannot be opened, the disk is full.
    Unreachable,
    /// It accepts calls and does not answer: a frozen server, a network that swallows packets, a lock that another process keeps.
    Silent,
}

/// The calls that cannot succeed while the backend fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affected {
    /// All calls.
    All,
    /// Those that write. A read succeeds, or fails like a write.
    Writes,
    /// The backend cannot fail in this way, such as a file that cannot be unreachable. The case ends.
    Nothing,
}

/// The ports of one adapter over the backend. Leave out those that it does not have.
#[derive(Debug, Clone, Default)]
pub struct Stores {
    /// The states.
    pub states: Option<Arc<dyn StateStore>>,
    /// The bindings.
    pub bindings: Option<Arc<dyn BindingRepo>>,
    /// The keys.
    pub keys: Option<Arc<dyn KeyStore>>,
    /// The budgets.
    pub limiter: Option<Arc<dyn RateLimiter>>,
    /// The outbox.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// The requests to redeliver.
    pub redeliveries: Option<Arc<dyn RedeliveryStore>>,
}

/// An adapter whose backend a case makes fail. Start one backend per case, or put a proxy before one that cases share.
#[async_trait]
pub trait FailureDriver: Debug + Send + Sync + 'static {
    /// Returns the ports, with a deadline of a second or two: a case takes some of them, and calls must succeed within it.
    fn stores(&self) -> Stores;

    /// The longest time that a call may take, with all attempts, once the backend fails.
    fn deadline(&self) -> Duration;

    /// Makes the backend fail until [`recover`](Self::recover), for connections that are open and for new ones.
    async fn fail(&self, failure: Failure) -> Affected;

    /// Ends the failure.
    async fn recover(&self);

    /// Replaces the actor of every stored state and binding by a text that is none, such as one with a line break, past the
    /// adapter and its constraints. Returns `false` if the backend has no such text, such as a store of typed values.
    async fn corrupt(&self) -> bool;

    /// Returns the secrets that the adapter was configured with: password, URL, token, path. An error and a `Debug` show none.
    fn secrets(&self) -> Vec<String>;

    /// Returns the `Debug` of every public type of the adapter that has one: handles, pools, options, drivers' errors.
    fn shown(&self) -> Vec<String>;
}

suite! {
    /// Makes one `#[test]` per case of a failing backend in a module `failures`. The adapter is a
    /// [`FailureDriver`](crate::failures::FailureDriver).
    failures_suite, failures, FailureDriver: backend, contents
}
