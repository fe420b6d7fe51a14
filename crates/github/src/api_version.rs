use std::fmt;
use std::str::FromStr;

use crate::error::ConfigError;

/// The versions of GitHub's API that this crate speaks, sent as `X-GitHub-Api-Version`.
///
/// What the crate uses differs in one answer only: an uninstall is 204 in the older, 202 in the newer; both are taken
/// from either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ApiVersion {
    /// `2022-11-28`. The default: every GitHub in use knows it, enterprise servers included, and github.com supports it
    /// until March 2028 at least, while nothing that the crate asks for is better in the newer.
    #[default]
    V2022_11_28,
    /// `2026-03-10`.
    V2026_03_10,
}

impl ApiVersion {
    /// As GitHub spells it.
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
