//! The result of one check.

use std::fmt;

use serde_json::{Value, json};

use crate::config::ConfigError;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok,
    /// It works, but should be changed.
    Warn,
    Fail,
    /// It cannot be checked from here; a person has to look.
    Unknown,
}

impl Verdict {
    pub(super) const ALL: [Self; 4] = [Self::Ok, Self::Warn, Self::Fail, Self::Unknown];
}

/// A line of the output: the check, its verdict, what was found, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CheckResult {
    pub(super) verdict: Verdict,
    check: String,
    said: String,
    /// Empty if nothing needs to be done.
    help: String,
}

impl CheckResult {
    pub(super) fn ok(check: &str, said: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, check: check.to_owned(), said: said.into(), help: String::new() }
    }

    pub(super) fn warn(check: &str, said: impl Into<String>, help: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, help: help.into(), ..Self::ok(check, said) }
    }

    pub(super) fn fail(check: &str, said: impl Into<String>, help: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, help: help.into(), ..Self::ok(check, said) }
    }

    /// Returns the result of a check that is impossible from here. `help` says where to look.
    pub(super) fn unknown(check: &str, said: impl Into<String>, help: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, help: help.into(), ..Self::ok(check, said) }
    }

    pub(super) fn json(&self) -> Value {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
            Verdict::Unknown => "unknown",
        };
        let help = Some(&self.help).filter(|help| !help.is_empty());
        json!({ "check": self.check, "verdict": verdict, "said": self.said, "help": help })
    }
}

impl From<ConfigError> for CheckResult {
    fn from(error: ConfigError) -> Self {
        Self::fail(&error.place, error.cause, error.help)
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, label) = match self.verdict {
            Verdict::Ok => ("ok  ", ""),
            Verdict::Warn => ("warn", "help: "),
            Verdict::Fail => ("FAIL", "help: "),
            Verdict::Unknown => ("????", ""),
        };
        writeln!(f, "{word}  {}: {}", self.check, self.said)?;
        if self.help.is_empty() { Ok(()) } else { writeln!(f, "      {label}{}", self.help) }
    }
}
