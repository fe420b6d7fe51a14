//! That `docs/metrics.md` and what is described are one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// Writes down what is described.
#[derive(Default)]
struct Described(Mutex<BTreeMap<String, &'static str>>);

impl Described {
    fn note(&self, name: &KeyName, kind: &'static str, meaning: &SharedString) {
        assert!(meaning.ends_with('.'), "{} has no meaning", name.as_str());
        let before =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.as_str().to_owned(), kind);
        assert_eq!(before, None, "{} is described twice", name.as_str());
    }
}

impl Recorder for Described {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, meaning: SharedString) {
        self.note(&name, "counter", &meaning);
    }

    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, meaning: SharedString) {
        self.note(&name, "gauge", &meaning);
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, meaning: SharedString) {
        self.note(&name, "histogram", &meaning);
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

/// Name and type of each row of the page's tables.
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
fn the_page_lists_what_there_is_and_nothing_else() {
    let described = Described::default();
    metrics::with_local_recorder(&described, super::describe);
    assert_eq!(documented(), described.0.into_inner().unwrap());
}
