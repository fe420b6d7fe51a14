use std::fmt;

use serde::Serialize;

use super::RepositoryId;

/// A repository that an installation reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// GitHub's number of it.
    pub id: RepositoryId,
    /// `owner/name`
    pub full_name: String,
    /// The owner's login.
    pub owner: String,
    /// Whether it is not public.
    pub private: bool,
    /// The branch that a clone checks out.
    pub default_branch: String,
    /// The language that most of it is written in, where GitHub found one.
    pub language: Option<String>,
    /// Its page at GitHub.
    pub html_url: String,
}

/// The text cannot be a repository's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a repository's name has 1 to 100 characters of A-Z a-z 0-9 - . _ and no owner before it")]
pub struct InvalidRepositoryName;

/// A repository's name without its owner, in lower case: GitHub does not tell names apart by case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// Accepts 1–100 characters of `A–Z a–z 0–9 - . _`, but for `.` and `..`.
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

    /// The name as text.
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
