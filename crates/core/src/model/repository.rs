use std::fmt;

use serde::Serialize;

use super::RepositoryId;

/// A repository that an installation has access to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// GitHub's id of the repository.
    pub id: RepositoryId,
    /// `owner/name`
    pub full_name: String,
    /// The owner's login.
    pub owner: String,
    /// Whether the repository is not public.
    pub private: bool,
    /// The branch that a clone checks out.
    pub default_branch: String,
    /// The main language, if GitHub detected one.
    pub language: Option<String>,
    /// The URL of the repository's page at GitHub.
    pub html_url: String,
}

/// The text is not a repository name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a repository name has 1 to 100 characters of A-Z a-z 0-9 - . _ and no owner before it")]
pub struct InvalidRepositoryName;

/// A repository name without its owner, in lower case, since GitHub compares names without case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// Accepts 1–100 characters of `A–Z a–z 0–9 - . _`, except `.` and `..`.
    ///
    /// # Errors
    /// [`InvalidRepositoryName`] for anything else.
    pub fn new(name: &str) -> Result<Self, InvalidRepositoryName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let fits = (1..=100).contains(&name.len()) && name.bytes().all(allowed);
        if fits && !matches!(name, "." | "..") {
            Ok(Self(name.to_ascii_lowercase()))
        } else {
            Err(InvalidRepositoryName)
        }
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
