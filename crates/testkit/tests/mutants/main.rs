//! Wrong adapters, and the cases that find them.
//!
//! These are defects that a mutation tool does not make: races, steps in the wrong order, stale reads, lossy columns,
//! secrets in `Debug`. `cargo mutants` covers the rest, see `.ci/mutants`. The memory adapters, which these adapters
//! wrap, pass every case in their own tests.

#![expect(clippy::unwrap_used, reason = "memory does not fail")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a mutant passes on everything that it does not change")]

use std::future::Future;

use dockline_testkit::runner::{attempt, block_on};
use time::{OffsetDateTime, UtcOffset};
use tokio::task::yield_now;

mod admission;
mod binding_repo;
mod failures;
mod github_gateway;
mod housekeeping;
mod key_admin;
mod keys;
mod operators;
mod outbox;
mod rate_limiter;
mod redelivery_store;
mod state_store;
mod tombstones;

/// Asserts that a case fails.
fn must_fail(case: impl Future<Output = ()> + Send + 'static) {
    assert!(block_on(attempt(case)).is_err(), "the case does not find this mutant");
}

/// Lets other tasks run between a read and the write that depends on it, as a round trip to a database does.
async fn yield_to_others() {
    for _ in 0..3 {
        yield_now().await;
    }
}

/// Returns what the clock of the time's place showed, as if it were UTC: the mistake of a column without an offset.
fn without_offset(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_offset(UtcOffset::UTC)
}

/// Two handles to one store, called in turns.
macro_rules! handles {
    ($port:path: $first:expr, $second:expr) => {{
        let handles: [std::sync::Arc<dyn $port>; 2] =
            [std::sync::Arc::new($first), std::sync::Arc::new($second)];
        dockline_testkit::handles::TwoHandles::new(handles)
    }};
}
pub(crate) use handles;

/// Makes a test per mutant: `name: adapter => case, case`. Each case must fail by itself.
macro_rules! killed {
    ($port:path; $($name:ident: $mutant:expr => $($case:path),+;)+) => {$(
        #[test]
        fn $name() {$(
            let adapter: std::sync::Arc<dyn $port> = std::sync::Arc::new($mutant);
            crate::must_fail(async move { $case(dockline_testkit::runner::Argument::of(&adapter)).await });
        )+}
    )+};
}
pub(crate) use killed;

/// Defines a mutant of a memory adapter: a struct with its fields, then the methods that it overrides.
///
/// Parentheses, not braces, so that rustfmt formats it.
macro_rules! mutant {
    (
        $memory:ty: $(#[$doc:meta])* $visibility:vis struct $name:ident { $($field:ident: $type:ty),* $(,)? }
        $($method:tt)+
    ) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        $visibility struct $name {
            memory: $memory,
            $($field: $type,)*
        }

        #[async_trait::async_trait]
        impl super::Mutant for $name {
            fn memory(&self) -> &$memory {
                &self.memory
            }

            $($method)+
        }
    };
}
pub(crate) use mutant;
