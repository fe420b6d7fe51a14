//! What the walk prints: each request and answer, and a mark for each check.

use std::fmt::Display;
use std::io::{self, Write};

use secrecy::{ExposeSecret, SecretString};

use super::WalkFailed;
use super::exchange::Exchange;

/// The most characters of a body that are shown.
const LONGEST: usize = 600;

pub(super) struct Transcript<'a> {
    out: &'a mut (dyn Write + Send),
    /// Shown by their beginnings only. They are worth nothing after the walk, but a transcript gets pasted somewhere,
    /// and habits count.
    secrets: Vec<String>,
    title: &'static str,
    begun: usize,
    planned: usize,
}

impl<'a> Transcript<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), planned: usize, keys: &[&SecretString]) -> Self {
        let secrets = keys.iter().map(|key| key.expose_secret().to_owned()).collect();
        Self { out, secrets, title: "", begun: 0, planned }
    }

    /// A new step begins; so the one before was right.
    pub(super) fn step(&mut self, title: &'static str) -> io::Result<()> {
        self.begun += 1;
        self.title = title;
        writeln!(self.out, "\n{:2}. {title}", self.begun)
    }

    /// Shows a request and its answer, without secrets.
    pub(super) fn show(&mut self, exchange: &Exchange) -> io::Result<()> {
        // Short values are no secrets, and would mask half of the text.
        self.secrets.extend(exchange.secrets().into_iter().filter(|secret| secret.len() >= 16));
        let mut lines = format!("    → {} {}\n", exchange.method, exchange.url);
        if let Some(sent) = &exchange.sent {
            lines += &format!("      {sent}\n");
        }
        lines += &format!("    ← {}", exchange.status);
        for name in ["location", "idempotent-replayed"] {
            if let Some(value) = exchange.header(name) {
                lines += &format!("\n      {name}: {value}");
            }
        }
        if exchange.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            lines += &format!("\n      page: {}", exchange.heading().unwrap_or_default());
        } else if !exchange.body.is_empty() {
            let shown: String = exchange.body.chars().take(LONGEST).collect();
            lines += &format!("\n      {shown}");
        }
        let lines = self.masked(&lines);
        writeln!(self.out, "{lines}")
    }

    /// Marks a check; the first wrong one ends the walk.
    pub(super) fn check<T: PartialEq + Display>(
        &mut self,
        what: &str,
        expected: T,
        came: T,
    ) -> Result<(), WalkFailed> {
        if expected == came {
            writeln!(self.out, "    ✓ {what}")?;
            return Ok(());
        }
        let (expected, came) = (self.masked(&expected.to_string()), self.masked(&came.to_string()));
        writeln!(self.out, "    ✗ {what}\n      expected: {expected}\n      came:     {came}")?;
        let (right, planned) = (self.begun.saturating_sub(1), self.planned);
        writeln!(self.out, "\nwalk: {right} of {planned} steps as expected")?;
        let (step, what) = (self.title, what.to_owned());
        Err(WalkFailed::Wrong { step, what, expected, came })
    }

    pub(super) fn finish(self) -> Result<(), WalkFailed> {
        let Self { out, begun, planned, title, .. } = self;
        writeln!(out, "\nwalk: {begun} of {planned} steps as expected")?;
        if begun == planned { Ok(()) } else { Err(WalkFailed::Incomplete { step: title }) }
    }

    fn masked(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            let kept = if secret.starts_with("lp_") { 15 } else { 6 };
            let shown: String = secret.chars().take(kept).collect();
            text.replace(secret, &format!("{shown}…"))
        })
    }
}
