//! Faults on demand: which requests go wrong, how, and how often.

use serde::{Deserialize, Serialize};

/// A rule: the requests that it meets get its fault instead of, or before, their answer.
///
/// Rules are tried in the order in which they were set; the first that meets the request and has something left applies.
/// The control API itself is never faulted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Only requests with this method; none: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only paths that begin so, such as `/api/v3/app/installations`; none: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// What goes wrong.
    pub fault: Fault,
    /// For how many requests more; none: until the rules are cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u32>,
}

impl FaultRule {
    /// The fault for every request, until the rules are cleared.
    pub fn new(fault: Fault) -> Self {
        Self { method: None, path_prefix: None, fault, remaining: None }
    }

    /// Only for this method.
    #[must_use]
    pub fn for_method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only for paths that begin with `prefix`.
    #[must_use]
    pub fn for_path(mut self, prefix: &str) -> Self {
        self.path_prefix = Some(prefix.to_owned());
        self
    }

    /// Only for the next `count` requests that it meets.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.remaining = Some(count);
        self
    }

    fn meets(&self, method: &str, path: &str) -> bool {
        self.remaining != Some(0)
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path_prefix.as_deref().is_none_or(|prefix| path.starts_with(prefix))
    }
}

/// What goes wrong. In JSON an object with a `kind`, such as `{"kind": "slow", "ms": 200}`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// This status, with a body as GitHub's: its page with the unicorn for 502 to 504, JSON otherwise.
    Status {
        /// 400 to 599; anything else becomes 500.
        code: u16,
    },
    /// 200, announced as JSON, with a body that is none.
    Garbage {
        /// Which nonsense.
        #[serde(default)]
        form: Garbage,
    },
    /// 403 with nothing remaining of the hourly limit.
    PrimaryRateLimit {
        /// Seconds of the simulator's clock until the limit is reset.
        reset_in: i64,
    },
    /// 403 or 429 with `Retry-After`.
    SecondaryRateLimit {
        /// Seconds to wait; none: no header, as GitHub sometimes leaves it out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        /// 403 or 429; anything else becomes 403.
        #[serde(default = "forbidden")]
        status: u16,
    },
    /// The right answer, this much later.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// No answer until the client gives up.
    Hang,
    /// 200 with JSON of more than a megabyte.
    Huge,
    /// 302 to somewhere else.
    Redirect {
        /// The `Location`.
        to: String,
    },
    /// The request is carried out, but the connection closes without an answer.
    LoseAnswer,
    /// The connection closes, and the request was not carried out.
    Drop,
    /// 200 with well-formed JSON of another shape.
    WrongJson,
}

fn forbidden() -> u16 {
    403
}

/// A body that is not JSON although it says so.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Garbage {
    /// A page, as proxies answer.
    #[default]
    Html,
    /// JSON that stops in the middle.
    Truncated,
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<FaultRule>,
}

impl Faults {
    pub(crate) fn set(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn rules(&self) -> &[FaultRule] {
        &self.rules
    }

    /// The fault for this request, counted.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let rule = self.rules.iter_mut().find(|rule| rule.meets(method, path))?;
        rule.remaining = rule.remaining.map(|left| left.saturating_sub(1));
        Some(rule.fault.clone())
    }
}
