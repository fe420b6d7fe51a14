//! Prints each request and response, and a mark for each check.

use std::fmt::Display;
use std::io::{self, Write};

use http::header;
use secrecy::{ExposeSecret, SecretString};

use super::ScenarioError;
use super::response::Response;

/// The maximum number of characters of a body to print.
const MAX_BODY: usize = 600;

pub(super) struct Transcript<'a> {
    out: &'a mut (dyn Write + Send),
    /// Printed shortened. They expire with the demo, but people paste transcripts, and copy what they see.
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

    /// Starts a step.
    pub(super) fn step(&mut self, title: &'static str) -> io::Result<()> {
        self.begun += 1;
        self.title = title;
        writeln!(self.out, "\n{:2}. {title}", self.begun)
    }

    /// Prints a request and its response, without secrets.
    pub(super) fn show(&mut self, response: &Response) -> io::Result<()> {
        // Shorter values are no secrets, and masking them would hide half of the text.
        self.secrets.extend(secrets(response).into_iter().filter(|secret| secret.len() >= 16));
        let mut lines = format!("    → {} {}\n", response.method, response.url);
        for line in response.sent_headers.iter().chain(&response.sent_body) {
            lines += &format!("      {line}\n");
        }
        lines += &format!("    ← {}", response.status);
        for name in ["location", "idempotent-replayed"] {
            if let Some(value) = response.header(name) {
                lines += &format!("\n      {name}: {value}");
            }
        }
        if response.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            lines += &format!("\n      page: {}", response.title().unwrap_or_default());
        } else if !response.body.is_empty() {
            let shown: String = response.body.chars().take(MAX_BODY).collect();
            lines += &format!("\n      {shown}");
        }
        let lines = self.mask(&lines);
        writeln!(self.out, "{lines}")
    }

    /// Prints the result of a check, and fails if the values differ.
    pub(super) fn check<T: PartialEq + Display>(
        &mut self,
        check: &str,
        expected: T,
        actual: T,
    ) -> Result<(), ScenarioError> {
        if expected == actual {
            writeln!(self.out, "    ✓ {check}")?;
            return Ok(());
        }
        let (expected, actual) = (self.mask(&expected.to_string()), self.mask(&actual.to_string()));
        writeln!(self.out, "    ✗ {check}\n      expected: {expected}\n      actual:   {actual}")?;
        let (passed, planned) = (self.begun.saturating_sub(1), self.planned);
        writeln!(self.out, "\nwalk: {passed} of {planned} steps as expected")?;
        Err(ScenarioError::Mismatch { step: self.title, check: check.to_owned(), expected, actual })
    }

    /// Prints the result. Fails if steps are missing.
    pub(super) fn finish(self) -> Result<(), ScenarioError> {
        let Self { out, begun, planned, title, .. } = self;
        writeln!(out, "\nwalk: {begun} of {planned} steps as expected")?;
        if begun == planned { Ok(()) } else { Err(ScenarioError::Incomplete { step: title }) }
    }

    fn mask(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            let kept = if secret.starts_with("lp_") { 15 } else { 6 };
            let shown: String = secret.chars().take(kept).collect();
            text.replace(secret, &format!("{shown}…"))
        })
    }
}

/// Returns the states, OAuth codes, tickets and cookies of a request and its response.
fn secrets(response: &Response) -> Vec<String> {
    let sent = response.sent_body.as_deref().unwrap_or_default();
    // A form is encoded as a query is.
    let mut form = response.url.clone();
    form.set_query(Some(sent));
    let mut secrets = Vec::new();
    for url in [Some(response.url.clone()), response.location(), Some(form)].into_iter().flatten() {
        let is_secret = |name: &str| matches!(name, "state" | "code" | "ticket");
        let pairs = url.query_pairs().filter(|(name, _)| is_secret(name));
        secrets.extend(pairs.map(|(_, value)| value.into_owned()));
    }
    for json in [sent, &response.body] {
        let json: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
        secrets.extend(json.get("state").and_then(|state| state.as_str()).map(str::to_owned));
    }
    let cookies = response.headers.get_all(header::SET_COOKIE).iter();
    let cookies = cookies.filter_map(|cookie| cookie::Cookie::parse(cookie.to_str().ok()?).ok());
    secrets.extend(cookies.map(|cookie| cookie.value().to_owned()));
    secrets
}
