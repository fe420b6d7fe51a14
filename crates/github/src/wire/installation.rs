//! Installations and their accounts.

use dockline::{
    Account, AccountId, AccountKind, AppId, Installation, InstallationId, InstalledOn, ReportedFacts,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::id_out_of_range;
use crate::error::GithubError;

#[derive(Deserialize)]
pub(crate) struct InstallationWire {
    pub(crate) id: u64,
    pub(crate) app_id: u64,
    // May be null, but not absent.
    #[serde(deserialize_with = "nullable")]
    account: Option<AccountWire>,
    #[serde(default)]
    suspended_at: Option<IgnoredAny>,
    #[serde(default)]
    created_at: Option<TimeWire>,
    #[serde(flatten)]
    facts: ReportedFacts,
}

/// RFC 3339, or seconds since 1970 in older deliveries. Anything else counts as unknown.
#[derive(Deserialize)]
#[serde(untagged)]
enum TimeWire {
    Text(String),
    Seconds(i64),
    Other(IgnoredAny),
}

impl TimeWire {
    fn time(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Text(text) => OffsetDateTime::parse(text, &Rfc3339).ok(),
            Self::Seconds(seconds) => OffsetDateTime::from_unix_timestamp(*seconds).ok(),
            Self::Other(_) => None,
        }
    }
}

impl InstallationWire {
    /// Returns the installation's age at GitHub's time; `None` if a time is missing or malformed.
    pub(crate) fn age_at(&self, github_time: Option<OffsetDateTime>) -> Option<time::Duration> {
        Some(github_time? - self.created_at.as_ref()?.time()?)
    }

    pub(crate) fn installed_on(self) -> Result<InstalledOn, GithubError> {
        self.account.map_or(Ok(InstalledOn::Unknown), TryFrom::try_from)
    }
}

impl TryFrom<InstallationWire> for Installation {
    type Error = GithubError;

    fn try_from(wire: InstallationWire) -> Result<Self, GithubError> {
        Ok(Self {
            id: InstallationId::new(wire.id).map_err(|_| id_out_of_range())?,
            app: AppId::new(wire.app_id).map_err(|_| id_out_of_range())?,
            suspended: wire.suspended_at.is_some(),
            facts: wire.facts.clone().into(),
            installed_on: wire.installed_on()?,
        })
    }
}

/// A user or organization (`login` and `type`), or an enterprise (`slug` only). The installation's `target_type` is not
/// read, since it contradicts the account in GitHub's own examples.
#[derive(Deserialize)]
struct AccountWire {
    id: u64,
    login: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    slug: Option<String>,
}

impl TryFrom<AccountWire> for InstalledOn {
    type Error = GithubError;

    fn try_from(wire: AccountWire) -> Result<Self, GithubError> {
        let id = AccountId::new(wire.id).map_err(|_| id_out_of_range())?;
        match (wire.login, wire.kind, wire.slug) {
            (Some(login), Some(kind), _) => Ok(kind
                .parse::<AccountKind>()
                .map_or(Self::Unknown, |kind| Self::Account(Account { id, login, kind }))),
            (None, None, Some(slug)) => Ok(Self::Enterprise { id, slug }),
            _ => Err(GithubError::invalid_response("an account of unknown form")),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct InstallationsWire {
    pub(crate) total_count: u64,
    pub(crate) installations: Vec<InstallationWire>,
}

fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(account: Value) -> Result<InstalledOn, ()> {
        let wire: InstallationWire =
            serde_json::from_value(json!({ "id": 1, "app_id": 2, "account": account })).map_err(|_| ())?;
        Installation::try_from(wire).map(|installation| installation.installed_on).map_err(|_| ())
    }

    #[test]
    fn an_account_of_another_type_is_unknown_and_one_of_another_form_is_an_error() {
        let id = AccountId::new(3_000_000_000).unwrap();
        for (kind, parsed) in [("User", AccountKind::User), ("Organization", AccountKind::Organization)] {
            assert_eq!(
                // L-63: beyond 32 bits.
                read(json!({ "id": 3_000_000_000_u64, "login": "Acme", "type": kind, "site_admin": false })),
                Ok(InstalledOn::Account(Account { id, login: "Acme".to_owned(), kind: parsed }))
            );
        }
        assert_eq!(
            read(json!({ "id": 3_000_000_000_u64, "slug": "acme", "name": "Acme" })),
            Ok(InstalledOn::Enterprise { id, slug: "acme".to_owned() })
        );
        assert_eq!(read(Value::Null), Ok(InstalledOn::Unknown));
        assert_eq!(read(json!({ "id": 1, "login": "x[bot]", "type": "Bot" })), Ok(InstalledOn::Unknown));
        for corrupt in [
            json!({}),
            json!({ "id": 1 }),
            json!({ "id": 1, "login": "x" }),
            json!({ "id": 1, "type": "User" }),
            json!({ "login": "x", "type": "User" }),
            json!({ "id": 0, "login": "x", "type": "User" }),
            json!({ "id": -1, "login": "x", "type": "User" }),
            json!({ "id": "1", "login": "x", "type": "User" }),
            json!({ "id": 1.5, "login": "x", "type": "User" }),
            json!({ "id": 1_u64 << 53, "login": "x", "type": "User" }),
            json!("acme"),
        ] {
            assert_eq!(read(corrupt.clone()), Err(()), "{corrupt}");
        }
    }

    #[test]
    fn a_missing_account_field_is_an_error_and_any_suspended_at_means_suspended() {
        assert!(serde_json::from_value::<InstallationWire>(json!({ "id": 1, "app_id": 2 })).is_err());
        for (at, suspended) in
            [(json!(null), false), (json!("2026-01-01T00:00:00Z"), true), (json!(1_700_000_000), true)]
        {
            let wire: InstallationWire =
                serde_json::from_value(json!({ "id": 1, "app_id": 2, "account": null, "suspended_at": at }))
                    .unwrap();
            assert_eq!(Installation::try_from(wire).unwrap().suspended, suspended, "{at}");
        }
    }
}
