//! The strict parser of a registration's body. It accepts any bytes, takes linear time and bounded memory, and reports
//! all problems at once.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Issue, IssueCode};
use crate::model::{InstallationId, State};

const INSTALLATION_ID: &str = "installationId";
const STATE: &str = "state";

/// The maximum number of issues, so that a body of unknown keys does not make a much larger response.
pub const MOST_ISSUES: usize = 100;

/// The maximum number of characters of an unknown key in the path of an issue.
const LONGEST_PATH: usize = 64;

/// The parsed body of a registration.
#[derive(Debug, Clone)]
pub struct RegistrationRequest {
    /// The installation to bind.
    pub installation: InstallationId,
    /// The state to redeem.
    pub state: State,
}

impl RegistrationRequest {
    /// Parses one JSON object with exactly the keys `installationId` and `state`.
    ///
    /// # Errors
    /// The issues, at most [`MOST_ISSUES`], in the order of the body, and missing keys last.
    pub fn parse(body: &[u8]) -> Result<Self, Vec<Issue>> {
        let whole = |code, message| vec![Issue::new("", code, message)];
        let text = std::str::from_utf8(body).map_err(|_| {
            whole(IssueCode::Malformed, "The body is not UTF-8. Send one JSON object in UTF-8.")
        })?;
        match serde_json::from_str::<Fields>(text) {
            Ok(fields) => fields.finish(),
            // Decides what is JSON before its type, since a typed parser stops at the first byte of another type.
            Err(_) => Err(match serde_json::from_str::<&RawValue>(text) {
                Ok(json) if !json.get().starts_with('{') => {
                    whole(IssueCode::WrongType, "The body must be one JSON object.")
                }
                _ => whole(IssueCode::Malformed, "The body is not valid JSON. Send one JSON object."),
            }),
        }
    }
}

/// A required value: not seen, invalid, or parsed.
enum Slot<T> {
    Missing,
    Invalid,
    Parsed(T),
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

    fn report_duplicate(&mut self, key: &str) {
        let message = "This key is given more than once. Give it once.";
        self.report(Issue::new(shortened(key), IssueCode::DuplicateKey, message));
    }

    fn slot<T>(&mut self, parsed: Result<T, Issue>) -> Slot<T> {
        match parsed {
            Ok(value) => Slot::Parsed(value),
            Err(issue) => {
                self.report(issue);
                Slot::Invalid
            }
        }
    }

    fn finish(mut self) -> Result<RegistrationRequest, Vec<Issue>> {
        if matches!(self.installation, Slot::Missing) {
            self.report(Issue::new(
                INSTALLATION_ID,
                IssueCode::Missing,
                "installationId is required: the number that GitHub put on the redirect.",
            ));
        }
        if matches!(self.state, Slot::Missing) {
            self.report(Issue::new(
                STATE,
                IssueCode::Missing,
                "state is required: the state of the install URL, as it came with the redirect.",
            ));
        }
        match (self.installation, self.state) {
            (Slot::Parsed(installation), Slot::Parsed(state)) if self.issues.is_empty() => {
                Ok(RegistrationRequest { installation, state })
            }
            _ => Err(self.issues),
        }
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A derived implementation would also accept the array `[7, "x"]`.
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
        let mut fields = Fields { installation: Slot::Missing, state: Slot::Missing, issues: Vec::new() };
        let mut unknown = HashSet::new();
        while let Some(Text(key)) = map.next_key()? {
            // The raw text decides, since a parsed number does not distinguish `1` from `1.0` or `1e0`.
            let value = map.next_value::<&RawValue>()?.get();
            match &*key {
                INSTALLATION_ID if matches!(fields.installation, Slot::Missing) => {
                    fields.installation = fields.slot(installation_id(value));
                }
                STATE if matches!(fields.state, Slot::Missing) => fields.state = fields.slot(state(value)),
                INSTALLATION_ID | STATE => fields.report_duplicate(&key),
                _ if unknown.contains(&key) => fields.report_duplicate(&key),
                _ => {
                    let message = "There is no such key. Send installationId and state only.";
                    fields.report(Issue::new(shortened(&key), IssueCode::UnknownKey, message));
                    unknown.insert(key);
                }
            }
        }
        Ok(fields)
    }
}

/// A string of JSON, borrowed unless it has escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
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
    raw.parse().map_err(|_| {
        let message = "installationId must be from 1 to 9007199254740991.";
        Issue::new(INSTALLATION_ID, IssueCode::OutOfRange, message)
    })
}

fn state(raw: &str) -> Result<State, Issue> {
    if !raw.starts_with('"') {
        return Err(Issue::new(STATE, IssueCode::WrongType, "state must be a JSON string."));
    }
    serde_json::from_str(raw).ok().and_then(|Text(text)| State::parse(text).ok()).ok_or_else(|| {
        Issue::new(
            STATE,
            IssueCode::Malformed,
            "state must be 1 to 256 characters of A-Z a-z 0-9 - . _ ~, exactly as it came with the redirect.",
        )
    })
}
