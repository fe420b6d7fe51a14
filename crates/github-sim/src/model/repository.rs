//! A repository, a new one, and what may change about one.

use time::OffsetDateTime;

use crate::error::SimError;

/// A repository to make.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewRepository {
    /// Its name, without the owner.
    pub name: String,
    /// Whether only those see it who were given access.
    pub private: bool,
    /// The branch that a clone checks out.
    pub default_branch: String,
    /// What GitHub takes for its main programming language.
    pub language: Option<String>,
}

impl NewRepository {
    /// A public repository without a language, whose default branch is `main`.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), private: false, default_branch: "main".to_owned(), language: None }
    }

    /// Whether only those see it who were given access.
    #[must_use]
    pub fn private(mut self, private: bool) -> Self {
        self.private = private;
        self
    }

    /// The branch that a clone checks out.
    #[must_use]
    pub fn with_default_branch(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.default_branch);
        self
    }

    /// What GitHub takes for its main programming language.
    #[must_use]
    pub fn with_language(mut self, language: Option<&str>) -> Self {
        self.language = language.map(str::to_owned);
        self
    }
}

/// What changes about a repository; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct RepositoryChange {
    /// Another name. The id stays.
    pub name: Option<String>,
    /// Made private, or public.
    pub private: Option<bool>,
    /// The default branch is renamed, in git as well.
    pub default_branch: Option<String>,
    /// Another main programming language, or none any more.
    pub language: Option<Option<String>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) default_branch: String,
    pub(crate) language: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

pub(super) fn check_name(name: &str) -> Result<(), SimError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    // A name that ends so would be another repository's address in git's URLs.
    let ambiguous = name.len() >= 4 && name.get(name.len() - 4..).is_some_and(|end| end == ".git");
    if name.is_empty()
        || name.len() > 100
        || !name.bytes().all(fits)
        || ambiguous
        || name == "."
        || name == ".."
    {
        return Err(SimError::Invalid(
            "a repository's name is 1 to 100 letters, digits, dots, hyphens or underscores",
        ));
    }
    Ok(())
}

/// Stricter than git, which lets more characters be.
pub(super) fn check_branch(branch: &str) -> Result<(), SimError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(fits)
            && !part.starts_with(['.', '-'])
            && !part.ends_with(".lock")
    };
    if branch.len() > 200 || branch.contains("..") || branch.ends_with('.') || !branch.split('/').all(part) {
        return Err(SimError::Invalid("not the name of a branch"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_git_would_read_otherwise_are_refused() {
        for name in ["", ".", "..", "a/b", "a b", "code.git", ".git", "ä"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["a", ".github", "docs.github.io", "x_y-z"] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
        for branch in ["", "-f", "a..b", "a//b", "/a", "a/", "a.lock", "a b", "a.", "x/.y", "@{-1}"] {
            assert!(check_branch(branch).is_err(), "{branch:?}");
        }
        for branch in ["main", "release/1.x", "v2_final-3"] {
            assert!(check_branch(branch).is_ok(), "{branch:?}");
        }
    }
}
