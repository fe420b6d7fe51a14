//! How a clause is run: a fresh adapter, a runtime of its own, a deadline, and a guard that outlives the adapter.

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{BindingRepo, RateLimiter, StateStore};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::github_gateway::GatewayDriver;
use crate::key_store::KeyStoreDriver;
use crate::key_usage::KeyUsageDriver;

/// Longer than any clause takes on a slow database; a clause that hangs fails instead of holding up the whole run.
const DEADLINE: Duration = Duration::from_secs(300);

/// What the expression that a suite is given may yield: an adapter of the port `P`, or `(guard, adapter)`.
///
/// `Shape` tells the two apart and is always inferred.
pub trait Fresh<P: ?Sized, Shape> {
    /// What is kept until the clause has ended: a temporary schema, a container.
    type Guard;

    /// Parts the guard from the adapter.
    fn into_parts(self) -> (Self::Guard, Arc<P>);
}

/// Shape of [`Fresh`]: the adapter alone.
#[derive(Debug)]
pub enum Alone {}

/// Shape of [`Fresh`]: a guard and the adapter.
#[derive(Debug)]
pub enum Guarded {}

macro_rules! fresh {
    ($($port:ident),+) => {$(
        impl<A: $port> Fresh<dyn $port, Alone> for A {
            type Guard = ();

            fn into_parts(self) -> ((), Arc<dyn $port>) {
                ((), Arc::new(self))
            }
        }

        impl<G, A: $port> Fresh<dyn $port, Guarded> for (G, A) {
            type Guard = G;

            fn into_parts(self) -> (G, Arc<dyn $port>) {
                (self.0, Arc::new(self.1))
            }
        }
    )+};
}

fresh!(BindingRepo, StateStore, RateLimiter, KeyStoreDriver, KeyUsageDriver, GatewayDriver);

/// Parts a guard from its adapter: [`Fresh::into_parts`] with the port named first.
pub fn parts<P: ?Sized, Shape, F: Fresh<P, Shape>>(fresh: F) -> (F::Guard, Arc<P>) {
    fresh.into_parts()
}

/// Runs a future to its end on a multi-threaded runtime of its own, whose timers and sockets are on.
///
/// # Panics
/// Where the operating system gives no threads.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap().block_on(future)
}

/// How an attempted clause ended.
#[derive(Debug)]
#[must_use = "a clause that panicked would pass"]
pub struct Attempt(Result<(), tokio::task::JoinError>);

/// Runs a clause in a task of its own, so that a panic leaves time for teardown.
pub async fn attempt(clause: impl Future<Output = ()> + Send + 'static) -> Attempt {
    let within_deadline = async { timeout(DEADLINE, clause).await.unwrap() };
    Attempt(tokio::spawn(within_deadline).await)
}

impl Attempt {
    /// Whether the clause failed.
    #[must_use]
    pub const fn failed(&self) -> bool {
        self.0.is_err()
    }

    /// Panics as the clause did, if it did.
    ///
    /// # Panics
    /// See above.
    pub fn report(self) {
        if let Err(error) = self.0 {
            resume_unwind(error.into_panic());
        }
    }
}

/// The teardown of a suite that was given none: drops the guard, inside the runtime.
pub async fn drop_guard<G>(guard: G) {
    drop(guard);
}

/// One `#[test]` for each clause; the suites' macros are lists for it. Those after `@shared` are given the `Arc`, since
/// they hand it to tasks.
#[doc(hidden)]
#[macro_export]
macro_rules! __suite {
    (
        $suite:ident, $port:path, $fresh:expr, $teardown:expr;
        $($file:ident: $($clause:ident),+;)+
        $(@shared $shared_file:ident: $($shared_clause:ident),+;)*
    ) => {
        mod $suite {
            use super::*;

            $($(
                #[test]
                fn $clause() {
                    $crate::__clause!(
                        $port, $fresh, $teardown,
                        |adapter| $crate::$suite::$file::$clause(&*adapter)
                    );
                }
            )+)+

            $($(
                #[test]
                fn $shared_clause() {
                    $crate::__clause!(
                        $port, $fresh, $teardown,
                        |adapter| $crate::$suite::$shared_file::$shared_clause(&adapter)
                    );
                }
            )+)*
        }
    };
}

/// One clause on one fresh adapter.
#[doc(hidden)]
#[macro_export]
macro_rules! __clause {
    ($port:path, $fresh:expr, $teardown:expr, |$adapter:ident| $call:expr) => {
        $crate::runner::block_on(async {
            let (guard, $adapter) = $crate::runner::parts::<dyn $port, _, _>(($fresh).await);
            let outcome = $crate::runner::attempt(async move { $call.await }).await;
            ($teardown)(guard).await;
            outcome.report();
        })
    };
}
