//! The strict reader of a registration's body (`contract.md` §1 and §3; invariant I15): total, linear, bounded, and it
//! tells everything that is wrong at once.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::error::{Issue, IssueCode};
use crate::model::{InstallationId, State};

const INSTALLATION_ID: &str = "installationId";
const STATE: &str = "state";

/// The most issues that one answer lists: a body of nothing but unknown keys must not make a far larger answer.
pub const MOST_ISSUES: usize = 100;

/// The most characters of an unknown key that are repeated in an issue's path.
const LONGEST_PATH: usize = 64;

/// The body of a registration, parsed.
#[derive(Debug, Clone)]
pub struct RegistrationRequest {
    /// The installation to bind.
    pub installation: InstallationId,
    /// The state to redeem.
    pub state: State,
}

impl RegistrationRequest {
    /// Reads one JSON object of exactly `installationId` and `state`.
    ///
    /// # Errors
    /// Every issue, in the order of the body, keys that are missing last; at most [`MOST_ISSUES`].
    pub fn parse(body: &[u8]) -> Result<Self, Vec<Issue>> {
        let whole = |code, message| vec![Issue::new("", code, message)];
        let text = std::str::from_utf8(body).map_err(|_| {
            whole(IssueCode::Malformed, "The body is not UTF-8. Send one JSON object in UTF-8.")
        })?;
        let fields: Fields = serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Data => whole(IssueCode::WrongType, "The body must be one JSON object."),
            Category::Syntax | Category::Eof | Category::Io => {
                whole(IssueCode::Malformed, "The body is not valid JSON. Send one JSON object.")
            }
        })?;
        fields.finish()
    }
}

/// One value that was looked for: not seen, seen and wrong, or read.
enum Slot<T> {
    Absent,
    Wrong,
    Read(T),
}

struct Fields {
    installation: Slot<InstallationId>,
    state: Slot<State>,
    issues: Vec<Issue>,
}

impl Fields {
    fn report(&mut self, issue: Issue) {
        if self.issues.len() < MOST_ISSUES {
            self.issues.push(issue);
        }
    }

    fn take<T>(&mut self, read: Result<T, Issue>) -> Slot<T> {
        match read {
            Ok(value) => Slot::Read(value),
            Err(issue) => {
                self.report(issue);
                Slot::Wrong
            }
        }
    }

    fn finish(mut self) -> Result<RegistrationRequest, Vec<Issue>> {
        if matches!(self.installation, Slot::Absent) {
            self.report(Issue::new(
                INSTALLATION_ID,
                IssueCode::Missing,
                "installationId is required: the number that GitHub put on the redirect.",
            ));
        }
        if matches!(self.state, Slot::Absent) {
            self.report(Issue::new(
                STATE,
                IssueCode::Missing,
                "state is required: the value that install-url gave or took.",
            ));
        }
        match (self.installation, self.state) {
            (Slot::Read(installation), Slot::Read(state)) if self.issues.is_empty() => {
                Ok(RegistrationRequest { installation, state })
            }
            _ => Err(self.issues),
        }
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A derived struct would also accept `[7, "x"]`; only a map is a body.
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields { installation: Slot::Absent, state: Slot::Absent, issues: Vec::new() };
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            // The raw text decides: a parsed number no longer tells `1` from `1.0` or `1e0`.
            let value = map.next_value::<&RawValue>()?.get();
            if seen.contains(&key) {
                let message = "This key is given more than once. Give it once.";
                fields.report(Issue::new(shortened(&key), IssueCode::DuplicateKey, message));
            } else if key == INSTALLATION_ID {
                fields.installation = fields.take(installation_id(value));
            } else if key == STATE {
                fields.state = fields.take(state(value));
            } else {
                let message = "There is no such key. Send installationId and state only.";
                fields.report(Issue::new(shortened(&key), IssueCode::UnknownKey, message));
            }
            seen.insert(key);
        }
        Ok(fields)
    }
}

fn shortened(key: &str) -> String {
    key.chars().take(LONGEST_PATH).collect()
}

fn installation_id(raw: &str) -> Result<InstallationId, Issue> {
    let is_number = raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if !is_number || raw.contains(['.', 'e', 'E']) {
        return Err(Issue::new(
            INSTALLATION_ID,
            IssueCode::WrongType,
            "installationId must be a JSON integer, without quotes, fraction or exponent.",
        ));
    }
    raw.parse::<u64>().ok().and_then(|number| InstallationId::new(number).ok()).ok_or_else(|| {
        Issue::new(
            INSTALLATION_ID,
            IssueCode::OutOfRange,
            "installationId must be from 1 to 9007199254740991.",
        )
    })
}

fn state(raw: &str) -> Result<State, Issue> {
    if !raw.starts_with('"') {
        return Err(Issue::new(STATE, IssueCode::WrongType, "state must be a JSON string."));
    }
    serde_json::from_str::<String>(raw).ok().and_then(|text| State::parse(text).ok()).ok_or_else(|| {
        Issue::new(
            STATE,
            IssueCode::Malformed,
            "state must be 1 to 256 characters of A-Z a-z 0-9 - . _ ~, exactly as it came with the redirect.",
        )
    })
}
