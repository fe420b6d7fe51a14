//! Panics, as a line of the log like any other: with the request's fields, and without what may be somebody's secret.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{PanicHookInfo, set_hook};

/// Takes the place of the hook that prints to stderr. A text that was put together when it panicked may quote anything,
/// so only one that stands in the source is told; where it panicked always is. `RUST_BACKTRACE=1` adds the way there.
pub(super) fn log() {
    set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let text = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("[not told]");
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(&backtrace));
    tracing::error!(location, text, backtrace, "a thread panicked");
}
