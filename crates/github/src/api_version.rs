use std::fmt;
use std::str::FromStr;

use crate::error::ConfigError;

/// A version of GitHub's REST API, sent as `X-GitHub-Api-Version`.
///
/// For the calls of this crate the versions differ only in the status of an uninstall: 204 in the older, 202 in the newer.
/// Both are accepted from either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ApiVersion {
    /// `2022-11-28`. The default: every GitHub in use supports it, including enterprise servers, and github.com supports it
    /// until March 2028 at least.
    #[default]
    V2022_11_28,
    /// `2026-03-10`.
    V2026_03_10,
}

impl ApiVersion {
    /// Returns the version as GitHub spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2022_11_28 => "2022-11-28",
            Self::V2026_03_10 => "2026-03-10",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ApiVersion {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        [Self::V2022_11_28, Self::V2026_03_10]
            .into_iter()
            .find(|version| version.as_str() == text.trim())
            .ok_or(ConfigError::ApiVersion)
    }
}
