//! Defines the cases of a suite, and runs each of them with a fresh adapter, a runtime of its own and a deadline.

use std::any::Any;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{BindingRepo, RateLimiter, RedeliveryStore, StateStore};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::admission::AdmissionDriver;
use crate::data_subjects::DataSubjectsDriver;
use crate::directory::DirectoryDriver;
use crate::failures::FailureDriver;
use crate::github_gateway::GatewayDriver;
use crate::handles::TwoHandles;
use crate::housekeeping::HousekeepingDriver;
use crate::key_admin::KeyAdminDriver;
use crate::key_store::KeyStoreDriver;
use crate::key_usage::KeyUsageDriver;
use crate::operators::OperatorsDriver;
use crate::outbox::OutboxDriver;
use crate::steps::{RecordedOutbox, Steps};

/// A case that hangs fails after this time, which is longer than any case takes on a slow database.
const DEADLINE: Duration = Duration::from_secs(300);

/// The value of the expression that a suite takes, or `(guard, value)`: two handles to one store as an array, or a driver.
///
/// `Shape` distinguishes the two and is always inferred.
#[diagnostic::on_unimplemented(
    message = "the suite cannot test `{Self}`",
    note = "return `[first, second]`, two handles to the same store that were opened independently, or the suite's driver; \
        with a guard: `(guard, [first, second])` or `(guard, driver)`"
)]
pub trait Fresh<P: ?Sized, Shape> {
    /// A value that lives until the case has ended, such as a temporary schema or a container.
    type Guard;

    /// Splits the value into guard and adapter.
    fn into_parts(self, steps: &Arc<Steps>) -> (Self::Guard, Arc<P>);
}

/// Shape of [`Fresh`]: handles or a driver.
#[derive(Debug)]
pub enum Alone {}

/// Shape of [`Fresh`]: a guard, and handles or a driver.
#[derive(Debug)]
pub enum Guarded {}

macro_rules! handles {
    ($($port:ident),+) => {$(
        impl<A: $port> Fresh<dyn $port, Alone> for [A; 2] {
            type Guard = ();

            fn into_parts(self, steps: &Arc<Steps>) -> ((), Arc<dyn $port>) {
                let handles = self.map(|handle| Arc::new(handle) as Arc<dyn $port>);
                ((), Arc::new(TwoHandles::recorded(handles, Arc::clone(steps))))
            }
        }

        impl<G, A: $port> Fresh<dyn $port, Guarded> for (G, [A; 2]) {
            type Guard = G;

            fn into_parts(self, steps: &Arc<Steps>) -> (G, Arc<dyn $port>) {
                (self.0, Fresh::<dyn $port, Alone>::into_parts(self.1, steps).1)
            }
        }
    )+};
}

handles!(BindingRepo, StateStore, RateLimiter, RedeliveryStore);

macro_rules! drivers {
    ($($port:ident),+) => {$(
        impl<A: $port> Fresh<dyn $port, Alone> for A {
            type Guard = ();

            fn into_parts(self, _: &Arc<Steps>) -> ((), Arc<dyn $port>) {
                ((), Arc::new(self))
            }
        }

        impl<G, A: $port> Fresh<dyn $port, Guarded> for (G, A) {
            type Guard = G;

            fn into_parts(self, _: &Arc<Steps>) -> (G, Arc<dyn $port>) {
                (self.0, Arc::new(self.1))
            }
        }
    )+};
}

drivers!(
    KeyAdminDriver,
    KeyStoreDriver,
    KeyUsageDriver,
    GatewayDriver,
    DirectoryDriver,
    DataSubjectsDriver,
    AdmissionDriver,
    HousekeepingDriver,
    OperatorsDriver,
    FailureDriver
);

impl<A: OutboxDriver> Fresh<dyn OutboxDriver, Alone> for A {
    type Guard = ();

    fn into_parts(self, steps: &Arc<Steps>) -> ((), Arc<dyn OutboxDriver>) {
        ((), Arc::new(RecordedOutbox { driver: Arc::new(self), steps: Arc::clone(steps) }))
    }
}

impl<G, A: OutboxDriver> Fresh<dyn OutboxDriver, Guarded> for (G, A) {
    type Guard = G;

    fn into_parts(self, steps: &Arc<Steps>) -> (G, Arc<dyn OutboxDriver>) {
        (self.0, Fresh::<dyn OutboxDriver, Alone>::into_parts(self.1, steps).1)
    }
}

/// Runs a future to completion on a new multi-threaded runtime with timers and I/O.
///
/// # Panics
/// Panics if the operating system refuses to start threads.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap().block_on(future)
}

/// Runs a case in a task of its own, within the deadline.
///
/// # Errors
/// Returns the payload of the panic if the case fails.
pub async fn attempt(case: impl Future<Output = ()> + Send + 'static) -> Result<(), Box<dyn Any + Send>> {
    let within_deadline = async {
        assert!(timeout(DEADLINE, case).await.is_ok(), "the case did not finish within {DEADLINE:?}");
    };
    tokio::spawn(within_deadline).await.map_err(tokio::task::JoinError::into_panic)
}

/// The teardown of a suite that is given none: drops the guard inside the runtime.
pub async fn drop_guard<G>(guard: G) {
    drop(guard);
}

/// The argument of a case: the adapter, or the `Arc` that tasks share.
#[doc(hidden)]
pub trait Argument<'a, P: ?Sized> {
    fn of(adapter: &'a Arc<P>) -> Self;
}

impl<'a, P: ?Sized> Argument<'a, P> for &'a P {
    fn of(adapter: &'a Arc<P>) -> Self {
        adapter
    }
}

impl<'a, P: ?Sized> Argument<'a, P> for &'a Arc<P> {
    fn of(adapter: &'a Arc<P>) -> Self {
        adapter
    }
}

/// A case's name and the rule that it checks, printed if the case fails.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct CaseInfo {
    pub name: &'static str,
    pub rule: &'static str,
}

/// Returns what a failing case prints after its assertion.
#[doc(hidden)]
#[must_use]
pub fn report(CaseInfo { name, rule }: CaseInfo, steps: &Steps) -> String {
    let mut report = format!(
        "\nThe adapter violates a rule of its port:{rule}\n\
         What to do: find the rule in the rustdoc of the port, then read the case, dockline_testkit::{name}: it is a short list \
         of calls. The assertion above failed on the answer to the last call; `left` is that answer and `right` the \
         expected one, unless its message says otherwise."
    );
    let steps = steps.to_string();
    if !steps.is_empty() {
        report.push_str("\nThe last calls and their answers:\n");
        report.push_str(&steps);
    }
    report
}

/// Runs one case on one fresh adapter, then the teardown, and fails as the case failed.
#[doc(hidden)]
pub fn run<P, Shape, F, C, T>(
    info: CaseInfo,
    fresh: impl Future<Output = F>,
    case: impl FnOnce(Arc<P>) -> C,
    teardown: impl FnOnce(F::Guard) -> T,
) where
    P: ?Sized,
    F: Fresh<P, Shape>,
    C: Future<Output = ()> + Send + 'static,
    T: Future<Output = ()>,
{
    block_on(async {
        let steps = Arc::default();
        let (guard, adapter) = fresh.await.into_parts(&steps);
        let outcome = attempt(case(adapter)).await;
        teardown(guard).await;
        if let Err(panic) = outcome {
            eprintln!("{}", report(info, &steps));
            resume_unwind(panic);
        }
    });
}

/// Defines cases and lists them for the [`suite!`] of the parent module: `use __SUITE_FILE as list;`, then functions.
///
/// A case is a `pub async fn` that takes the adapter as `&dyn Port` or as `&Arc<dyn Port>` and panics if the adapter
/// is wrong. Its doc comment is the rule that a failure prints. Parentheses, not braces, so that rustfmt formats it.
macro_rules! cases {
    (
        use $list:ident as list;
        $($(#[doc = $doc:literal])+ pub async fn $case:ident($($argument:tt)*) $body:block)+
    ) => {
        $($(#[doc = $doc])+ pub async fn $case($($argument)*) $body)+
        $crate::runner::cases! { @list ($) $list $($case [$($doc)+])+ }
    };
    (@list ($d:tt) $list:ident $($case:ident $rule:tt)+) => {
        #[doc(hidden)]
        #[macro_export]
        macro_rules! $list {
            ($d($d suite:tt)*) => { $crate::__tests! { $d($d suite)* $($case $rule)+ } };
        }

        #[doc(hidden)]
        pub use $list as list;

        /// Unused, and so a warning, if the suite does not list this file.
        pub(super) const LISTED: () = ();
    };
}
pub(crate) use cases;

/// Defines the public macro of a suite from the modules that hold its cases.
macro_rules! suite {
    ($(#[$meta:meta])* $name:ident, $suite:ident, $port:ident: $($file:ident),+) => {
        $crate::runner::suite! { @define ($) [$(#[$meta])*] $name, $suite, $port: $($file),+ }
    };
    (@define ($d:tt) [$($meta:tt)*] $name:ident, $suite:ident, $port:ident: $($file:ident),+) => {
        $($meta)*
        ///
        /// Takes a future of a value for a fresh, empty, isolated store ([`Fresh`](crate::runner::Fresh)), or of
        /// `(guard, value)`. To take the guard down asynchronously, add `teardown = |guard| async move { … }`.
        #[macro_export]
        macro_rules! $name {
            ($d fresh:expr) => {
                $crate::$name!($d fresh, teardown = $crate::runner::drop_guard);
            };
            ($d fresh:expr, teardown = $d teardown:expr) => {
                mod $suite {
                    use super::*;

                    $($crate::$suite::$file::list! { $suite, $file, $port, $d fresh, $d teardown; })+
                }
            };
        }

        const _: &[()] = &[$($file::LISTED),+];
    };
}
pub(crate) use suite;

/// Makes one `#[test]` per case of a file.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    (
        $suite:ident, $file:ident, $port:ident, $fresh:expr, $teardown:expr;
        $($case:ident [$($rule:literal)+])+
    ) => {$(
        #[test]
        fn $case() {
            let info = $crate::runner::CaseInfo {
                name: concat!(stringify!($suite), "::", stringify!($file), "::", stringify!($case)),
                rule: concat!($($rule),+),
            };
            $crate::runner::run::<dyn $crate::$suite::$port, _, _, _, _>(
                info,
                $fresh,
                |adapter| async move { $crate::$suite::$file::$case($crate::runner::Argument::of(&adapter)).await },
                $teardown,
            );
        }
    )+};
}
