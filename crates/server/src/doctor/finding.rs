//! What one check found.

use std::fmt;

use serde_json::{Value, json};

use crate::mistakes::Mistake;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RateLimitDecision {
    Ok,
    /// It works, but should not stay so.
    Warn,
    Fail,
    /// Nobody tells; a person has to look.
    Unknown,
}

impl RateLimitDecision {
    pub(super) const ALL: [Self; 4] = [Self::Ok, Self::Warn, Self::Fail, Self::Unknown];
}

/// One line, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) verdict: RateLimitDecision,
    pub(super) check: String,
    pub(super) said: String,
    pub(super) mend: String,
}

impl Finding {
    pub(super) fn ok(check: &str, said: impl Into<String>) -> Self {
        Self {
            verdict: RateLimitDecision::Ok,
            check: check.to_owned(),
            said: said.into(),
            mend: String::new(),
        }
    }

    pub(super) fn warn(check: &str, said: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { verdict: RateLimitDecision::Warn, mend: mend.into(), ..Self::ok(check, said) }
    }

    pub(super) fn fail(check: &str, said: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { verdict: RateLimitDecision::Fail, mend: mend.into(), ..Self::ok(check, said) }
    }

    /// What cannot be checked from here, and where to look instead.
    pub(super) fn unknown(check: &str, said: impl Into<String>, look: impl Into<String>) -> Self {
        Self { verdict: RateLimitDecision::Unknown, mend: look.into(), ..Self::ok(check, said) }
    }

    pub(super) fn mistake(mistake: Mistake) -> Self {
        Self {
            verdict: RateLimitDecision::Fail,
            check: mistake.place,
            said: mistake.cause,
            mend: mistake.mend,
        }
    }

    pub(super) fn json(&self) -> Value {
        let verdict = match self.verdict {
            RateLimitDecision::Ok => "ok",
            RateLimitDecision::Warn => "warn",
            RateLimitDecision::Fail => "fail",
            RateLimitDecision::Unknown => "unknown",
        };
        let mend = Some(&self.mend).filter(|mend| !mend.is_empty());
        json!({ "check": self.check, "verdict": verdict, "said": self.said, "mend": mend })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, lead) = match self.verdict {
            RateLimitDecision::Ok => ("ok  ", ""),
            RateLimitDecision::Warn => ("warn", "mend: "),
            RateLimitDecision::Fail => ("FAIL", "mend: "),
            RateLimitDecision::Unknown => ("????", ""),
        };
        writeln!(f, "{word}  {}: {}", self.check, self.said)?;
        if self.mend.is_empty() { Ok(()) } else { writeln!(f, "      {lead}{}", self.mend) }
    }
}
