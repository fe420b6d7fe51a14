//! Fault rules: which requests fail, how, and how often.

use serde::{Deserialize, Serialize};

/// A rule that makes matching requests fail.
///
/// Rules are tried in the order in which they were added. The first that matches and has requests remaining applies.
/// Requests to the control API never fail.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Matches only this method. `None` matches all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Matches only paths with this prefix, such as `/api/v3/app/installations`. `None` matches all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// The fault of matching requests.
    pub fault: Fault,
    /// The number of requests to which the rule still applies. `None` applies until the rules are cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u32>,
}

impl FaultRule {
    /// Returns a rule for all requests until the rules are cleared.
    pub fn new(fault: Fault) -> Self {
        Self { method: None, path_prefix: None, fault, remaining: None }
    }

    /// Restricts the rule to a method.
    #[must_use]
    pub fn for_method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Restricts the rule to paths with this prefix.
    #[must_use]
    pub fn for_path(mut self, prefix: &str) -> Self {
        self.path_prefix = Some(prefix.to_owned());
        self
    }

    /// Restricts the rule to the next `count` matching requests.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.remaining = Some(count);
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.remaining != Some(0)
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path_prefix.as_deref().is_none_or(|prefix| path.starts_with(prefix))
    }
}

/// A fault. In JSON it is an object with a `kind`, such as `{"kind": "slow", "ms": 200}`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Answers with this status and GitHub's body: the unicorn page for 502 to 504, otherwise JSON.
    Status {
        /// 400 to 599. Any other value becomes 500.
        code: u16,
    },
    /// Answers 200 with `Content-Type: application/json` and a body that is not JSON.
    Garbage {
        /// The kind of body.
        #[serde(default)]
        form: Garbage,
    },
    /// Answers 403 with no requests remaining in the hourly limit.
    PrimaryRateLimit {
        /// Seconds until the reset, by the simulator's clock.
        reset_in: i64,
    },
    /// Answers 403 or 429 with `Retry-After`.
    SecondaryRateLimit {
        /// Seconds to wait. `None` omits the header, as GitHub does sometimes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        /// 403 or 429. Any other value becomes 403.
        #[serde(default = "forbidden")]
        status: u16,
    },
    /// Delays the normal response.
    Slow {
        /// The delay in milliseconds.
        ms: u64,
    },
    /// Never answers.
    Hang,
    /// Answers 200 with more than a megabyte of JSON.
    Huge,
    /// Answers 302.
    Redirect {
        /// The `Location` header.
        to: String,
    },
    /// Handles the request and closes the connection without an answer.
    LoseAnswer,
    /// Closes the connection without handling the request.
    Drop,
    /// Answers 200 with valid JSON that does not match the schema.
    WrongJson,
}

fn forbidden() -> u16 {
    403
}

/// A body that is not JSON.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Garbage {
    /// An HTML page, as proxies send.
    #[default]
    Html,
    /// JSON that is cut off.
    Truncated,
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<FaultRule>,
}

impl Faults {
    pub(crate) fn add(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn rules(&self) -> &[FaultRule] {
        &self.rules
    }

    /// Returns the fault of this request and counts it against its rule.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let rule = self.rules.iter_mut().find(|rule| rule.matches(method, path))?;
        rule.remaining = rule.remaining.map(|left| left.saturating_sub(1));
        Some(rule.fault.clone())
    }
}
