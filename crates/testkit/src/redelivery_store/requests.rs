//! The requests to redeliver.

use std::collections::HashMap;
use std::sync::Arc;

use dockline::ports::RedeliveryRequests;
use time::{Duration, OffsetDateTime};

use super::{NOON, RedeliveryStore};
use crate::fixtures::{in_the_east, in_the_west};
use crate::race::{TASKS, race};
use crate::runner::cases;

const GUID: &str = "72d3162e-cc78-11e3-81ab-4c9367dc0958";

async fn requests_of(store: &dyn RedeliveryStore, guids: &[&str]) -> HashMap<String, RedeliveryRequests> {
    let guids: Vec<String> = guids.iter().map(|guid| (*guid).to_owned()).collect();
    store.requests(&guids).await.unwrap()
}

async fn record(store: &dyn RedeliveryStore, guid: &str, at: OffsetDateTime) {
    store.record_request(guid, at, at - Duration::days(3)).await.unwrap();
}

cases!(
    use __redelivery_store_requests as list;

    /// Each request is counted with the time of the last one, each delivery by itself.
    pub async fn requests_are_counted_per_delivery(store: &Arc<dyn RedeliveryStore>) {
        assert!(requests_of(&**store, &[GUID]).await.is_empty());
        assert!(requests_of(&**store, &[]).await.is_empty());
        record(&**store, GUID, NOON).await;
        record(&**store, "other", NOON).await;
        let last = NOON + Duration::MINUTE;
        record(&**store, GUID, last).await;
        let requests = requests_of(&**store, &[GUID, "other", "unknown"]).await;
        let expected = [
            (GUID.to_owned(), RedeliveryRequests { count: 2, last }),
            ("other".to_owned(), RedeliveryRequests { count: 1, last: NOON }),
        ];
        assert_eq!(requests, expected.into());
        assert!(store.received(&[GUID.to_owned()]).await.unwrap().is_empty());
    }

    /// A request that is recorded removes those that GitHub's log does not list any more, and no others.
    pub async fn old_requests_are_removed(store: &Arc<dyn RedeliveryStore>) {
        record(&**store, "old", NOON - Duration::MICROSECOND).await;
        record(&**store, "kept", NOON).await;
        record(&**store, GUID, NOON + Duration::days(3)).await;
        let requests = requests_of(&**store, &["old", "kept", GUID]).await;
        assert_eq!(requests.len(), 2, "{requests:?}");
        assert!(!requests.contains_key("old"), "{requests:?}");
    }

    /// Concurrent requests for one delivery are all counted.
    pub async fn racing_requests_are_all_counted(store: &Arc<dyn RedeliveryStore>) {
        race(store, |store, _| async move { record(&*store, GUID, NOON).await }).await;
        let requests = requests_of(&**store, &[GUID]).await;
        assert_eq!(requests.get(GUID).map(|requests| u64::from(requests.count)), Some(TASKS), "{requests:?}");
    }

    /// Deliveries that differ in the case of a letter are different, and times are instants.
    pub async fn case_of_letters_distinguishes_deliveries(store: &Arc<dyn RedeliveryStore>) {
        let (lower, upper) = (GUID, GUID.to_ascii_uppercase());
        record(&**store, lower, in_the_east(NOON)).await;
        record(&**store, lower, in_the_west(NOON + Duration::SECOND)).await;
        record(&**store, &upper, NOON).await;
        let requests = requests_of(&**store, &[lower, &upper]).await;
        let of = |count, last| Some(RedeliveryRequests { count, last });
        assert_eq!(requests.get(lower).copied(), of(2, NOON + Duration::SECOND));
        assert_eq!(requests.get(&upper).copied(), of(1, NOON));
    }
);
