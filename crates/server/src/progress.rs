//! The progress of long commands: a bar on a terminal, nothing elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const BAR: &str = "{spinner} {msg} [{bar:30}] {percent}% {eta} left";
const SPINNER: &str = "{spinner} {msg} {elapsed}";

/// A bar on standard error. Hidden if that is not a terminal, or if the command prints JSON.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Starts a bar of this length; a spinner if the length is unknown.
    pub(crate) fn start(length: Option<u64>, json: bool) -> Self {
        let is_shown = !json && io::stderr().is_terminal();
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(length, target);
        let template = if length.is_some() { BAR } else { SPINNER };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Returns whether the bar is shown. Otherwise the command prints lines.
    pub(crate) fn is_shown(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Moves the bar and replaces its text.
    pub(crate) fn set(&self, position: u64, text: String) {
        self.0.set_message(text);
        self.0.set_position(position);
    }

    /// Prints without the bar, which is drawn again afterwards.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
