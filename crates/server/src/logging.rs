//! Logs, on stderr; stdout is for the output of commands.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{PanicHookInfo, set_hook};

use clap::ValueEnum;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

/// The format of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people: time, level, the fields of the request, message.
    #[default]
    Human,
    /// For programs: one JSON object per line, with the fields of the request in `spans`.
    Json,
}

/// An additional layer of the subscriber, such as the export of spans.
pub type ExtraLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging for people. Does nothing if logging has started.
pub fn start() {
    start_with(LogFormat::Human, None);
}

/// Starts logging: the levels that `RUST_LOG` selects, by default events of Dockline and warnings of other crates. Does
/// nothing if logging has started.
pub fn start_with(format: LogFormat, extra: Option<ExtraLayer>) {
    let default =
        || Targets::new().with_default(LevelFilter::WARN).with_target("dockline", LevelFilter::INFO);
    let selected = std::env::var("RUST_LOG").unwrap_or_default();
    let (filter, malformed) = match selected.parse::<Targets>() {
        _ if selected.trim().is_empty() => (default(), None),
        Ok(filter) => (filter, None),
        Err(error) => (default(), Some(error)),
    };
    let logged = subscriber(extra).with(lines(format, filter, std::io::stderr));
    if logged.try_init().is_ok() {
        log_panics();
        if let Some(error) = malformed {
            tracing::warn!(%error, "RUST_LOG is invalid and ignored; set levels per target, such as warn,dockline=debug");
        }
    }
}

/// Installs a panic hook that logs each panic and its location. Only messages that are literals in the source are logged,
/// because a formatted one may quote a secret. `RUST_BACKTRACE=1` adds the backtrace.
pub fn log_panics() {
    set_hook(Box::new(log_panic));
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let text = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("[redacted]");
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(&backtrace));
    tracing::error!(location, text, backtrace, "a thread panicked");
}

/// The subscriber without the layer that writes lines.
fn subscriber(extra: Option<ExtraLayer>) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync {
    Registry::default().with(extra)
}

/// Returns the layer that writes log lines to `writer`: what both `filter` and [`max_verbosity`] allow.
pub fn lines<S, W>(format: LogFormat, filter: Targets, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = filter.and(max_verbosity());
    match format {
        LogFormat::Human => fmt::layer().with_writer(writer).with_filter(filter).boxed(),
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_writer(writer)
            .with_filter(filter)
            .boxed(),
    }
}

/// Limits other crates to level `info`, whatever `RUST_LOG` selects, because HTTP and database clients log headers and
/// parameters at `debug` and `trace`. Dockline's crates log no secrets, so they may log everything.
#[must_use]
pub fn max_verbosity() -> Targets {
    Targets::new().with_default(LevelFilter::INFO).with_target("dockline", LevelFilter::TRACE)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn other_crates_log_from_info_and_dockline_from_trace() {
        for format in [LogFormat::Human, LogFormat::Json] {
            let written = Written::default();
            let writer = written.clone();
            let lines =
                lines(format, Targets::new().with_default(LevelFilter::TRACE), move || writer.clone());
            tracing::subscriber::with_default(Registry::default().with(lines), || {
                tracing::trace!(target: "dockline_github::transport", "ours at trace");
                tracing::info!(target: "hyper::client", "theirs at info");
                tracing::debug!(target: "hyper::client", "authorization: theirs at debug");
                tracing::trace!(target: "h2::codec", "theirs at trace");
                tracing::debug!(target: "tokio_postgres::query", "parameters of theirs");
                tracing::debug!(target: "reqwest::connect", "theirs, of another");
            });
            let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
            assert_eq!(text.lines().count(), 2, "{text}");
            assert!(text.contains("ours at trace") && text.contains("theirs at info"), "{text}");
        }
    }
}
