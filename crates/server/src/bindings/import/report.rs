//! The output of an import: a line per row that needs attention, and a summary.

use std::io::{self, Write};
use std::time::Duration;

use dockline::{ImportOutcome, ImportRow};
use serde_json::{Value, json};

use super::End;
use crate::terminal::Progress;

/// Lines without a progress bar, one per this many rows.
const PROGRESS_ROWS: u64 = 1_000;

/// The outcome of a row.
pub(super) enum LineOutcome {
    Done(ImportOutcome),
    Invalid(String),
    Failed(String),
}

pub(super) struct Report {
    progress: Progress,
    json: bool,
    applied: bool,
    rows: u64,
    imported: u64,
    unchanged: u64,
    refused: u64,
    invalid: u64,
    failed: u64,
}

impl Report {
    /// Starts the report about a file of this length in bytes.
    pub(super) fn start(length: Option<u64>, json: bool, applied: bool) -> Self {
        let progress = Progress::start(length, json);
        let (rows, imported, unchanged, refused, invalid, failed) = (0, 0, 0, 0, 0, 0);
        Self { progress, json, applied, rows, imported, unchanged, refused, invalid, failed }
    }

    /// Counts a row, and prints it unless all is well.
    pub(super) fn line(
        &mut self,
        line: u64,
        bytes: u64,
        row: Option<&ImportRow>,
        outcome: &LineOutcome,
    ) -> io::Result<()> {
        self.rows += 1;
        let (name, reason, message) = match outcome {
            LineOutcome::Done(ImportOutcome::Imported(_)) => {
                self.imported += 1;
                return self.progress(bytes);
            }
            LineOutcome::Done(ImportOutcome::Unchanged) => {
                self.unchanged += 1;
                return self.progress(bytes);
            }
            LineOutcome::Done(ImportOutcome::Refused(refusal)) => {
                self.refused += 1;
                ("refused", Some(refusal.as_str()), refusal.to_string())
            }
            LineOutcome::Invalid(problem) => {
                self.invalid += 1;
                ("invalid", None, problem.clone())
            }
            LineOutcome::Failed(cause) => {
                self.failed += 1;
                ("failed", None, cause.clone())
            }
        };
        let object = json!({
            "line": line,
            "organizationId": row.map(|row| &row.organization),
            "installationId": row.map(|row| row.installation),
            "outcome": name,
            "reason": reason,
            "message": message,
        });
        let about = row.map(|row| format!("{}, installation {}: ", row.organization, row.installation));
        self.print(&object, &format!("line {line}: {}{name}: {message}", about.unwrap_or_default()))?;
        self.progress(bytes)
    }

    fn progress(&self, bytes: u64) -> io::Result<()> {
        self.progress.set(bytes, format!("{} rows", self.rows));
        let is_due = self.rows.is_multiple_of(PROGRESS_ROWS) && !self.progress.is_shown();
        if is_due {
            self.print(&self.summary("in_progress"), &format!("{} so far", self.words()))
        } else {
            Ok(())
        }
    }

    /// Prints that the import waits for GitHub.
    pub(super) fn wait(&self, pause: Duration) -> io::Result<()> {
        let seconds = pause.as_secs() + 1;
        self.print(&json!({ "waitSeconds": seconds }), &format!("waiting for GitHub: {seconds} s"))
    }

    /// Prints the summary. Returns whether every row is as the file says.
    pub(super) fn end(&self, end: End) -> io::Result<bool> {
        self.progress.finish();
        let (status, text) = match end {
            End::Complete => ("complete", "complete"),
            End::GivenUp => ("given_up", "given up; run it again to continue"),
            End::Interrupted => ("interrupted", "interrupted; run it again to continue"),
        };
        let hint = if self.applied { "" } else { ". Nothing was written: repeat with --apply" };
        self.print(&self.summary(status), &format!("{}: {text}{hint}", self.words()))?;
        Ok(end == End::Complete && self.refused + self.invalid + self.failed == 0)
    }

    fn summary(&self, status: &str) -> Value {
        let Self { rows, imported, unchanged, refused, invalid, failed, applied, .. } = self;
        json!({
            "status": status, "applied": applied, "rows": rows, "imported": imported, "unchanged": unchanged,
            "refused": refused, "invalid": invalid, "failed": failed,
        })
    }

    fn words(&self) -> String {
        let Self { rows, imported, unchanged, refused, invalid, failed, .. } = self;
        let imported_words = if self.applied { "imported" } else { "can be imported" };
        format!(
            "checked {rows} rows: {imported} {imported_words}, {unchanged} unchanged, {refused} refused, {invalid} invalid, \
             {failed} failed"
        )
    }

    fn print(&self, object: &Value, text: &str) -> io::Result<()> {
        self.progress.suspend(|| {
            let mut stdout = io::stdout().lock();
            if self.json {
                writeln!(stdout, "{object}")?
            } else {
                writeln!(stdout, "{text}")?
            }
            stdout.flush()
        })
    }
}
