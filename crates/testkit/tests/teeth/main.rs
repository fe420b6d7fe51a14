//! A checker that cannot fail proves nothing: adapters that are wrong in one way each, and the clause that says so.
//!
//! Each is the memory adapter with one thing broken. That adapter itself passes every clause (its own conformance
//! test), so what bites is the breakage.

#![expect(clippy::unwrap_used, reason = "memory does not fail")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not broken is passed on, whatever it is")]

use std::future::Future;

use dockline_testkit::runner::{attempt, block_on};

mod binding_repo;
mod github_gateway;
mod key_store;
mod key_usage;
mod rate_limiter;
mod state_store;

/// A clause must fail here.
fn must_fail(clause: impl Future<Output = ()> + Send + 'static) {
    assert!(block_on(attempt(clause)).failed(), "the clause lets it pass");
}

/// `mutant: adapter => clause` makes a test `mutant`; several clauses may bite, each by itself.
macro_rules! bites {
    ($port:path; $($name:ident: $mutant:expr => $($clause:path),+;)+) => {$(
        #[test]
        fn $name() {$(
            let adapter: std::sync::Arc<dyn $port> = std::sync::Arc::new($mutant);
            crate::must_fail(async move { $clause(&*adapter).await });
        )+}
    )+};
    (shared $port:path; $($name:ident: $mutant:expr => $($clause:path),+;)+) => {$(
        #[test]
        fn $name() {$(
            let adapter: std::sync::Arc<dyn $port> = std::sync::Arc::new($mutant);
            crate::must_fail(async move { $clause(&adapter).await });
        )+}
    )+};
}
pub(crate) use bites;
