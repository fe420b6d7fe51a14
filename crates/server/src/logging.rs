//! Logs go to stderr; stdout belongs to the output of commands.

mod panics;

use std::panic::set_hook;

use clap::ValueEnum;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt};

/// How lines of the log look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people: time, level, the request's fields, the message.
    #[default]
    Human,
    /// For machines: an object a line, the request's fields in `spans`.
    Json,
}

/// A further layer of the subscriber, such as one that exports spans.
pub type FurtherLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging for people. A second call changes nothing.
pub fn start() {
    start_with(LogFormat::Human, None);
}

/// Starts logging: what `RUST_LOG` asks for, or else our events and other crates' warnings. A second call changes nothing.
pub fn start_with(format: LogFormat, further: Option<FurtherLayer>) {
    let default = "warn,dockline=info";
    let asked = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let logged = subscriber(further).with(lines(format, asked, std::io::stderr));
    if logged.try_init().is_ok() {
        log_panics();
    }
}

/// Has panics logged like anything else, and without what may be somebody's secret, in place of printing them to stderr:
/// a text that was put together when it panicked may quote anything, so only one that stands in the source is told; where
/// it panicked always is. `RUST_BACKTRACE=1` adds the way there.
pub fn log_panics() {
    set_hook(Box::new(panics::tell));
}

/// The part below the lines.
fn subscriber(further: Option<FurtherLayer>) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync {
    Registry::default().with(further)
}

/// Lines as `serve` writes them to `writer`, as much as `asked`, and of other crates never more than [`others`] lets
/// through.
pub fn lines<S, W>(format: LogFormat, asked: EnvFilter, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = asked.and(others());
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

/// Our own crates may say all that is asked for, since none of them says a secret, and a test holds them to it. What the
/// HTTP and database clients below them say at debug and trace holds headers and parameters: they stay at info, whatever
/// `RUST_LOG` asks for.
#[must_use]
pub fn others() -> Targets {
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
    fn others_are_heard_from_info_up_and_we_at_trace() {
        for format in [LogFormat::Human, LogFormat::Json] {
            let written = Written::default();
            let writer = written.clone();
            let lines = lines(format, EnvFilter::new("trace"), move || writer.clone());
            tracing::subscriber::with_default(Registry::default().with(lines), || {
                tracing::trace!(target: "dockline_github::transport", "ours at trace");
                tracing::info!(target: "hyper::client", "theirs at info");
                tracing::debug!(target: "hyper::client", "authorization: theirs at debug");
                tracing::trace!(target: "h2::codec", "theirs at trace");
                tracing::debug!(target: "tokio_postgres::query", "parameters of theirs");
                tracing::debug!(target: "reqwest::connect", "theirs, of another");
            });
            let told = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
            assert_eq!(told.lines().count(), 2, "{told}");
            assert!(told.contains("ours at trace") && told.contains("theirs at info"), "{told}");
        }
    }
}
