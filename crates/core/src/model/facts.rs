//! What GitHub reports about an installation besides its account and its status. No decision depends on it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::{AccountId, spelled, timestamp};

/// Permissions by name, such as `contents` → `write`. Unknown names and levels are kept as text.
///
/// Holds at most [`Permissions::MOST`] entries with names of up to 64 and levels of up to 32 printable ASCII characters,
/// and ignores all others. So its size is bounded, whatever GitHub reports.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Value")]
pub struct Permissions(BTreeMap<String, String>);

impl Permissions {
    /// The maximum number of entries.
    pub const MOST: usize = 200;

    /// Keeps the entries that fit, in the order of their names.
    pub fn new(entries: impl IntoIterator<Item = (String, String)>) -> Self {
        let fits = |(name, level): &(String, String)| is_printable(name, 64) && is_printable(level, 32);
        let mut kept: BTreeMap<_, _> = entries.into_iter().filter(fits).collect();
        while kept.len() > Self::MOST {
            kept.pop_last();
        }
        Self(kept)
    }

    /// Returns the level of a permission.
    #[must_use]
    pub fn level(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns the names and levels, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, level)| (name.as_str(), level.as_str()))
    }

    /// Returns whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what is requested beyond what these permissions grant. GitHub asks an owner of the account to accept it.
    #[must_use]
    pub fn waiting(&self, requested: &Self) -> Vec<WaitingPermission> {
        let is_waiting = |name: &str, requested: &str| match self.level(name) {
            None => true,
            Some(granted) if granted == requested => false,
            // A level that is not known here may be more or less.
            Some(granted) => match (rank(granted), rank(requested)) {
                (Some(granted), Some(requested)) => granted < requested,
                _ => true,
            },
        };
        let beyond = requested.iter().filter(|(name, level)| is_waiting(name, level));
        beyond
            .map(|(name, level)| WaitingPermission {
                name: name.to_owned(),
                requested: level.to_owned(),
                granted: self.level(name).map(str::to_owned),
            })
            .collect()
    }
}

fn rank(level: &str) -> Option<usize> {
    ["read", "write", "admin"].iter().position(|known| *known == level)
}

fn is_printable(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl From<Value> for Permissions {
    /// Keeps the entries of an object whose values are texts, and nothing of any other value.
    fn from(value: Value) -> Self {
        let Value::Object(entries) = value else { return Self::default() };
        Self::new(entries.into_iter().filter_map(|(name, level)| match level {
            Value::String(level) => Some((name, level)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        }))
    }
}

/// A permission that the App requests and the account has not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingPermission {
    /// The name, such as `contents`.
    pub name: String,
    /// The level that the App requests.
    pub requested: String,
    /// The level that the account has granted; `None` if it has granted none.
    pub granted: Option<String>,
}

spelled! {
    /// The repositories that an account gave an installation access to.
    pub enum RepositorySelection("repository selection") {
        /// All present and future repositories.
        All = "all",
        /// Selected repositories.
        Selected = "selected",
    }
}

/// The account that suspended an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspender {
    /// GitHub's id of the account.
    pub id: AccountId,
    /// The account's name when it was reported.
    pub login: String,
}

/// Facts about an installation that are shown to operators.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallationFacts {
    /// The permissions that the account granted.
    #[serde(default)]
    pub permissions: Permissions,
    /// The repositories that the account gave access to; `None` if GitHub did not say.
    #[serde(default)]
    pub repository_selection: Option<RepositorySelection>,
    /// The account that suspended the installation; `None` if it is not suspended or GitHub suspended it.
    #[serde(default)]
    pub suspended_by: Option<Suspender>,
    /// The page with the installation's settings. Those that stores return are HTTPS pages of the App's GitHub.
    #[serde(default)]
    pub settings_url: Option<String>,
}

/// The stored facts about an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredFacts {
    /// The facts.
    #[serde(flatten)]
    pub facts: InstallationFacts,
    /// The time of the request that returned them; `None` if only a webhook delivery reported them.
    #[serde(serialize_with = "timestamp::serialize_option")]
    pub observed_at: Option<OffsetDateTime>,
}

/// The facts in an installation object of GitHub's, in a response or a delivery. Deserializes from any JSON object: what
/// is missing or has another type counts as not reported.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ReportedFacts {
    #[serde(default)]
    permissions: Permissions,
    #[serde(default)]
    repository_selection: Value,
    #[serde(default)]
    suspended_by: Value,
    #[serde(default)]
    html_url: Value,
}

impl From<ReportedFacts> for InstallationFacts {
    fn from(reported: ReportedFacts) -> Self {
        let text = |value: &Value, longest| {
            value.as_str().filter(|text| is_printable(text, longest)).map(str::to_owned)
        };
        let suspender = |account: &Value| {
            let id = AccountId::new(account.get("id")?.as_u64()?).ok()?;
            Some(Suspender { id, login: text(account.get("login")?, 100)? })
        };
        Self {
            permissions: reported.permissions,
            repository_selection: text(&reported.repository_selection, 32)
                .and_then(|selection| selection.parse().ok()),
            suspended_by: suspender(&reported.suspended_by),
            settings_url: text(&reported.html_url, 512),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn permissions(entries: &[(&str, &str)]) -> Permissions {
        Permissions::new(entries.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())))
    }

    #[test]
    fn permissions_beyond_the_granted_ones_are_waiting() {
        let granted = permissions(&[("contents", "write"), ("issues", "read"), ("pages", "future")]);
        let requested = permissions(&[
            ("checks", "write"),
            ("contents", "read"),
            ("issues", "write"),
            ("pages", "write"),
        ]);
        let waiting = granted.waiting(&requested);
        let names: Vec<_> = waiting.iter().map(|waiting| waiting.name.as_str()).collect();
        assert_eq!(names, ["checks", "issues", "pages"]);
        assert_eq!(waiting[1].granted.as_deref(), Some("read"));
        assert_eq!(granted.waiting(&granted), []);
    }

    #[test]
    fn reported_facts_are_bounded_and_never_an_error() {
        let long = "x".repeat(10_000);
        let many: serde_json::Map<_, _> =
            (0..1_000).map(|number| (format!("permission_{number:04}"), json!("read"))).collect();
        let reported = |value: Value| -> InstallationFacts {
            serde_json::from_value::<ReportedFacts>(value).unwrap().into()
        };
        let facts = reported(json!({
            "id": 1,
            "permissions": { "contents": "write", "future": "level-9", "bad name": "read", &long: "read", "n": 7 },
            "repository_selection": "selected",
            "suspended_by": { "id": 77, "login": "ann", "type": "User" },
            "html_url": "https://github.com/settings/installations/1",
        }));
        assert_eq!(facts.permissions, permissions(&[("contents", "write"), ("future", "level-9")]));
        assert_eq!(facts.repository_selection, Some(RepositorySelection::Selected));
        assert_eq!(facts.suspended_by.map(|by| (by.id.get(), by.login)), Some((77, "ann".to_owned())));
        assert_eq!(facts.settings_url.as_deref(), Some("https://github.com/settings/installations/1"));

        assert_eq!(reported(json!({ "permissions": many })).permissions.iter().count(), Permissions::MOST);
        for odd in [
            json!({}),
            json!({ "permissions": null, "repository_selection": 1, "suspended_by": "ann", "html_url": {} }),
            json!({ "permissions": [], "repository_selection": "some", "suspended_by": { "id": 0, "login": "a" } }),
            json!({ "suspended_by": { "id": 1, "login": "a\u{1b}[31m" }, "html_url": long }),
        ] {
            assert_eq!(reported(odd.clone()), InstallationFacts::default(), "{odd}");
        }
    }

    #[test]
    fn stored_facts_round_trip_through_json() {
        let facts = InstallationFacts {
            permissions: permissions(&[("contents", "write")]),
            repository_selection: Some(RepositorySelection::All),
            suspended_by: Some(Suspender { id: AccountId::new(7).unwrap(), login: "ann".to_owned() }),
            settings_url: Some("https://github.com/settings/installations/1".to_owned()),
        };
        let json = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<InstallationFacts>(&json).unwrap(), facts);
        assert_eq!(serde_json::from_str::<InstallationFacts>("{}").unwrap(), InstallationFacts::default());
    }
}
