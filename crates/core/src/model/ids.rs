use std::fmt;

use serde::Serialize;

/// The number is outside of 1 to 2^53−1, the range in which every JSON reader agrees on integers
/// (`contract.md` §3; lesson L-63).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an integer from 1 to 9007199254740991")]
pub struct OutOfRange;

macro_rules! github_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The largest accepted value, 2^53−1.
            pub const MAX: u64 = (1 << 53) - 1;

            /// Accepts 1 to [`Self::MAX`].
            ///
            /// # Errors
            /// [`OutOfRange`] for anything else.
            pub const fn new(value: u64) -> Result<Self, OutOfRange> {
                if value >= 1 && value <= Self::MAX { Ok(Self(value)) } else { Err(OutOfRange) }
            }

            /// The number itself.
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

        impl From<$name> for i64 {
            fn from(id: $name) -> i64 {
                // Lossless: `new` admits nothing above 2^53−1.
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
    /// GitHub's number of one installation of one App. Sequential, hence guessable: knowing it proves nothing
    /// (lesson L-01).
    InstallationId
}

github_id! {
    /// GitHub's number of an account (user, organization or enterprise). It survives renames, a login does not
    /// (lesson L-53).
    AccountId
}

github_id! {
    /// GitHub's number of an App.
    AppId
}

github_id! {
    /// GitHub's number of a repository. It survives renames and transfers, the name does not.
    RepositoryId
}

/// The text is not usable as an [`OrganizationId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an organization id has 1 to 128 printable ASCII characters without spaces")]
pub struct InvalidOrganizationId;

/// The host product's own id of an organization (a tenant). Opaque to Dockline: 1–128 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OrganizationId(String);

impl OrganizationId {
    /// Accepts 1–128 printable ASCII characters without spaces.
    ///
    /// # Errors
    /// [`InvalidOrganizationId`] for anything else.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidOrganizationId> {
        let id = id.into();
        let fits = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(id)) } else { Err(InvalidOrganizationId) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
    fn ids_hold_exactly_one_to_two_to_the_53_minus_one() {
        assert_eq!(InstallationId::new(0), Err(OutOfRange));
        assert_eq!(InstallationId::new(1).map(InstallationId::get), Ok(1));
        assert_eq!(InstallationId::new((1 << 53) - 1).map(InstallationId::get), Ok((1 << 53) - 1));
        assert_eq!(InstallationId::new(1 << 53), Err(OutOfRange));
        assert_eq!(InstallationId::try_from(-1_i64), Err(OutOfRange));
        // L-63: ids beyond 32 bits go through i64 columns and back.
        let large = AccountId::new(3_000_000_000).unwrap();
        assert_eq!(AccountId::try_from(i64::from(large)), Ok(large));
    }

    #[test]
    fn organization_ids_are_printable_and_bounded() {
        assert!(OrganizationId::new("org_01HX").is_ok());
        for bad in ["", "two words", "tab\t", "ü", &"x".repeat(129)] {
            assert_eq!(OrganizationId::new(bad), Err(InvalidOrganizationId), "{bad:?}");
        }
    }
}
