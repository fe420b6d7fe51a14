use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The number is not from 1 to 2^53−1, the range in which all JSON readers agree on integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an integer from 1 to 9007199254740991")]
pub struct OutOfRange;

macro_rules! github_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// The largest value, 2^53−1.
            pub const MAX: u64 = (1 << 53) - 1;

            /// Accepts 1 to [`Self::MAX`].
            ///
            /// # Errors
            /// [`OutOfRange`] for anything else.
            pub const fn new(value: u64) -> Result<Self, OutOfRange> {
                if value >= 1 && value <= Self::MAX { Ok(Self(value)) } else { Err(OutOfRange) }
            }

            /// Returns the number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = OutOfRange;

            fn try_from(value: u64) -> Result<Self, OutOfRange> {
                Self::new(value)
            }
        }

        impl TryFrom<i64> for $name {
            type Error = OutOfRange;

            fn try_from(value: i64) -> Result<Self, OutOfRange> {
                u64::try_from(value).map_err(|_| OutOfRange).and_then(Self::new)
            }
        }

        impl From<$name> for u64 {
            fn from(id: $name) -> u64 {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = OutOfRange;

            /// Accepts decimal digits only: no sign and no space.
            fn from_str(text: &str) -> Result<Self, OutOfRange> {
                text.parse().ok().filter(|_| is_decimal(text)).ok_or(OutOfRange).and_then(Self::new)
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> i64 {
                // Lossless, since the value is at most 2^53−1.
                id.0.cast_signed()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

github_id! {
    /// GitHub's id of an installation. The ids are sequential and can be guessed, so an id alone proves no right to the
    /// installation.
    InstallationId
}

github_id! {
    /// GitHub's id of an account: a user, organization or enterprise. Unlike the login it survives renames.
    AccountId
}

github_id! {
    /// GitHub's id of an App.
    AppId
}

github_id! {
    /// GitHub's id of a repository. Unlike the name it survives renames and transfers.
    RepositoryId
}

/// Returns whether the text is a decimal number without a sign.
pub(crate) fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text is not an [`OrganizationId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an organization id has 1 to 128 printable ASCII characters without spaces")]
pub struct InvalidOrganizationId;

/// The host's id of an organization (a tenant): 1–128 printable ASCII characters.
///
/// Ids are compared byte by byte. A host with numeric or UUID ids converts them by `From<u64>` or
/// [`OrganizationId::from_uuid`], so that each organization has one spelling. Clones share the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganizationId(Arc<str>);

impl OrganizationId {
    /// Accepts 1–128 printable ASCII characters without spaces.
    ///
    /// # Errors
    /// [`InvalidOrganizationId`] for anything else.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidOrganizationId> {
        id.into().parse()
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the usual text of a UUID, in lower case and with hyphens, from its 128 bits (`uuid::Uuid::as_u128`).
    #[must_use]
    pub fn from_uuid(uuid: u128) -> Self {
        let hex = format!("{uuid:032x}");
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default());
        Self(parts.join("-").into())
    }
}

impl From<u64> for OrganizationId {
    /// Returns the decimal digits of a numeric id.
    fn from(id: u64) -> Self {
        Self(id.to_string().into())
    }
}

impl From<u32> for OrganizationId {
    /// Returns the decimal digits of a numeric id.
    fn from(id: u32) -> Self {
        Self(id.to_string().into())
    }
}

impl FromStr for OrganizationId {
    type Err = InvalidOrganizationId;

    fn from_str(text: &str) -> Result<Self, InvalidOrganizationId> {
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.into())) } else { Err(InvalidOrganizationId) }
    }
}

impl TryFrom<String> for OrganizationId {
    type Error = InvalidOrganizationId;

    fn try_from(text: String) -> Result<Self, InvalidOrganizationId> {
        Self::new(text)
    }
}

impl From<OrganizationId> for String {
    fn from(id: OrganizationId) -> Self {
        id.0.as_ref().into()
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_from_1_to_2_to_the_53_minus_1() {
        assert_eq!(InstallationId::new(0), Err(OutOfRange));
        assert_eq!(InstallationId::new(1).map(InstallationId::get), Ok(1));
        assert_eq!(InstallationId::new((1 << 53) - 1).map(InstallationId::get), Ok((1 << 53) - 1));
        assert_eq!(InstallationId::new(1 << 53), Err(OutOfRange));
        assert_eq!(InstallationId::try_from(-1_i64), Err(OutOfRange));
        // L-63: ids above 32 bits survive a round trip through an i64 column.
        let large = AccountId::new(3_000_000_000).unwrap();
        assert_eq!(AccountId::try_from(i64::from(large)), Ok(large));
    }

    #[test]
    fn ids_are_parsed_from_digits_and_json_integers_only() {
        assert_eq!("50291845".parse::<InstallationId>().map(InstallationId::get), Ok(50_291_845));
        for bad in
            ["", "0", "+1", "-1", " 1", "1 ", "1.0", "1e3", "0x1", "9007199254740992", "99999999999999999999"]
        {
            assert_eq!(bad.parse::<InstallationId>(), Err(OutOfRange), "{bad:?}");
        }
        assert_eq!(serde_json::from_str::<AppId>("7").unwrap().get(), 7);
        for bad in ["0", "-1", "\"7\"", "7.0", "9007199254740992"] {
            assert!(serde_json::from_str::<AppId>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numeric_and_uuid_organization_ids_have_one_spelling() {
        assert_eq!(OrganizationId::from(7_u64).as_str(), "7");
        assert_eq!(OrganizationId::from(u32::MAX).as_str(), "4294967295");
        let uuid = 0x0190_a5f2_7c3e_7b1a_9d4e_0123_4567_89ab_u128;
        assert_eq!(OrganizationId::from_uuid(uuid).as_str(), "0190a5f2-7c3e-7b1a-9d4e-0123456789ab");
        assert_eq!(OrganizationId::from_uuid(1).as_str(), "00000000-0000-0000-0000-000000000001");
        assert!(serde_json::from_str::<OrganizationId>("\"two words\"").is_err());
    }

    #[test]
    fn organization_ids_are_printable_and_bounded() {
        assert!(OrganizationId::new("org_01HX").is_ok());
        for bad in ["", "two words", "tab\t", "ü", &"x".repeat(129)] {
            assert_eq!(OrganizationId::new(bad), Err(InvalidOrganizationId), "{bad:?}");
        }
    }
}
