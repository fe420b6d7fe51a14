//! What commands show on a terminal and ask there: tables, the progress of long commands, and the question before one that cannot
//! be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use time::{OffsetDateTime, UtcOffset};

use crate::config::{ConfigError, ConfigErrors};

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

/// The option that answers the question.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ConsentArgs {
    /// Do not ask for confirmation. Needed if standard input is not a terminal.
    #[arg(long)]
    yes: bool,
}

impl ConsentArgs {
    /// Asks, unless `--yes` is set. Returns whether the command may go on.
    ///
    /// # Errors
    /// If standard input is not a terminal.
    pub(crate) fn ask(self, question: &str) -> Result<bool, ConfigErrors> {
        if self.yes {
            return Ok(true);
        }
        if !io::stdin().is_terminal() {
            let cause = "is not set, and standard input is not a terminal";
            return Err(
                ConfigError::new("--yes", cause, "set it if this cannot be undone and you want it").into()
            );
        }
        let failed = |error: io::Error| {
            ConfigErrors::from(ConfigError::new("standard input", error.to_string(), "set --yes"))
        };
        eprint!("{question} Type yes to go on: ");
        io::stderr().flush().map_err(failed)?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(failed)?;
        Ok(answer.trim() == "yes")
    }
}

/// Returns a table of aligned columns, with the headings in its first line.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut lines = vec![headings.map(str::to_owned)];
    lines.extend(rows);
    let widths: [usize; N] = std::array::from_fn(|column| {
        let lengths = lines.iter().filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count());
        lengths.max().unwrap_or_default()
    });
    let mut table = String::new();
    for cells in lines {
        let padded: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        table.push_str(padded.join("  ").trim_end());
        table.push('\n');
    }
    table
}

/// Formats a time in UTC, to the minute.
pub(crate) fn minute(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let (date, hour, minute) = (at.date(), at.hour(), at.minute());
    format!("{date} {hour:02}:{minute:02}Z")
}

/// Escapes control characters, which could move the cursor.
pub(crate) fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
