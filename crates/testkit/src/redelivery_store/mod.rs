//! The cases of [`RedeliveryStore`]. [`redelivery_store_suite!`](crate::redelivery_store_suite) runs them.

#[doc(no_inline)]
pub use dockline::ports::RedeliveryStore;
use dockline::ports::{InterruptedScan, ScanPosition};
use time::{Duration, OffsetDateTime};

use crate::runner::suite;

pub mod lease;
pub mod requests;

pub(crate) use crate::fixtures::NOON;

suite! {
    /// Makes one `#[test]` per case of [`RedeliveryStore`](crate::dockline::ports::RedeliveryStore) in a module
    /// `redelivery_store`.
    redelivery_store_suite, redelivery_store, RedeliveryStore: lease, requests
}

/// The lease time of the cases.
pub(crate) const LEASE: Duration = Duration::minutes(10);

/// Takes a lease of ten minutes.
pub(crate) async fn lease(
    store: &dyn RedeliveryStore,
    holder: u128,
    now: OffsetDateTime,
) -> Option<ScanPosition> {
    store.lease(holder, now, now + LEASE).await.unwrap()
}

/// A complete position of `minutes` after noon.
pub(crate) fn read_to(minutes: i64) -> ScanPosition {
    ScanPosition { read_to: Some(NOON + Duration::minutes(minutes)), interrupted: None }
}

/// A position with an interrupted scan.
pub(crate) fn interrupted() -> ScanPosition {
    let cursor = "per_page=100&cursor=v1_12077215967123456789".to_owned();
    ScanPosition {
        interrupted: Some(InterruptedScan { cursor, newest: NOON + Duration::HOUR }),
        ..read_to(1)
    }
}
