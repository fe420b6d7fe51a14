//! Tests that `docs/metrics.md` lists exactly the described metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// A recorder that stores the names and types of described metrics.
#[derive(Default)]
struct DescribedMetrics(Mutex<BTreeMap<String, &'static str>>);

impl DescribedMetrics {
    fn store(&self, name: &KeyName, kind: &'static str, meaning: &SharedString) {
        assert!(meaning.ends_with('.'), "{} has no meaning", name.as_str());
        let before =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.as_str().to_owned(), kind);
        assert_eq!(before, None, "{} is described twice", name.as_str());
    }
}

impl Recorder for DescribedMetrics {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, meaning: SharedString) {
        self.store(&name, "counter", &meaning);
    }

    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, meaning: SharedString) {
        self.store(&name, "gauge", &meaning);
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, meaning: SharedString) {
        self.store(&name, "histogram", &meaning);
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Returns name and type of each row of the page's tables.
fn documented() -> BTreeMap<String, &'static str> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `dockline_"));
    rows.map(|row| {
        let mut cells = row.split('|');
        let name = cells.next().unwrap().trim().trim_end_matches('`');
        (format!("dockline_{name}"), cells.next().unwrap().trim())
    })
    .collect()
}

#[test]
fn page_lists_exactly_the_described_metrics() {
    let described = DescribedMetrics::default();
    metrics::with_local_recorder(&described, super::describe);
    assert_eq!(documented(), described.0.into_inner().unwrap());
}
