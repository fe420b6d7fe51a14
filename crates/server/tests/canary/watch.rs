//! Collects logs, spans, metrics and responses, and searches them for secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use dockline_server::logging::{self, LogFormat};
use metrics_exporter_prometheus::PrometheusHandle;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::needles::{Found, Haystack, Needle};

/// The output of a subscriber.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Stores each output by its source, and searches it.
pub(crate) struct Watch {
    human: Written,
    json: Written,
    /// Every span with its fields, including spans without log lines.
    spans: Written,
    metrics: PrometheusHandle,
    answers: Mutex<Vec<(String, String)>>,
    needles: Mutex<Vec<Needle>>,
    covered: Mutex<BTreeMap<String, BTreeSet<u16>>>,
}

impl Watch {
    /// Installs the logs of `serve`, at `trace` in both formats, and its metrics.
    pub(crate) fn begin() -> Self {
        let (human, json, spans) = (Written::default(), Written::default(), Written::default());
        let (to_human, to_json, to_spans) = (human.clone(), json.clone(), spans.clone());
        let trace = || Targets::new().with_default(LevelFilter::TRACE);
        Registry::default()
            .with(logging::lines(LogFormat::Human, trace(), move || to_human.clone()))
            .with(logging::lines(LogFormat::Json, trace(), move || to_json.clone()))
            .with(
                fmt::layer()
                    .with_span_events(FmtSpan::CLOSE)
                    .with_writer(move || to_spans.clone())
                    .with_filter(logging::max_verbosity()),
            )
            .init();
        logging::log_panics();
        let metrics = dockline_server::telemetry::prometheus().unwrap().install_recorder().unwrap();
        dockline_server::telemetry::describe();
        Self {
            human,
            json,
            spans,
            metrics,
            answers: Mutex::default(),
            needles: Mutex::default(),
            covered: Mutex::default(),
        }
    }

    /// Adds a secret to search for.
    pub(crate) fn guard(&self, name: &'static str, secret: &str) {
        self.needles.lock().unwrap().push(Needle::new(name, secret));
    }

    /// Stores a response on `path`, without the secrets that belong in it.
    pub(crate) fn answered(&self, path: &str, status: u16, text: String) {
        self.answers.lock().unwrap().push((format!("the response to: {path}"), text));
        self.covered(path, status);
    }

    /// Records a path without an HTTP response.
    pub(crate) fn covered(&self, path: &str, status: u16) {
        self.covered.lock().unwrap().entry(path.to_owned()).or_default().insert(status);
    }

    pub(crate) fn log(&self) -> String {
        self.human.text()
    }

    pub(crate) fn spans(&self) -> String {
        self.spans.text()
    }

    /// Returns every path with the statuses of its responses.
    pub(crate) fn paths(&self) -> BTreeMap<String, BTreeSet<u16>> {
        self.covered.lock().unwrap().clone()
    }

    /// Returns every leak, with secret, encoding and place.
    pub(crate) fn leaks(&self) -> BTreeSet<String> {
        let needles = self.needles.lock().unwrap();
        let mut places = self.answers.lock().unwrap().clone();
        places.push(("/metrics".to_owned(), self.metrics.render()));
        for (name, log) in [
            ("the log", self.human.text()),
            ("the log in JSON", self.json.text()),
            ("the spans", self.spans.text()),
        ] {
            places.extend(log.lines().map(|line| (name.to_owned(), line.to_owned())));
        }
        let haystack = Haystack::of(&needles);
        let mut leaks = BTreeSet::new();
        for (place, text) in &places {
            for Found { name, encoding, spelling, at } in haystack.search(text) {
                let around = text.char_indices().filter(|(character, _)| character.abs_diff(at) < 160);
                let around: String = around.map(|(_, character)| character).collect();
                leaks.insert(format!("{name} ({encoding}: {spelling}) in {place}: … {around} …"));
            }
        }
        leaks
    }
}
