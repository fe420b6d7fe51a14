//! Repositories.

use time::OffsetDateTime;

use super::Model;
use super::account::Account;
use crate::error::SimError;

/// A repository to create.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewRepository {
    /// The name, without the owner.
    pub name: String,
    /// Whether it is private.
    pub private: bool,
    /// The default branch.
    pub default_branch: String,
    /// The main programming language.
    pub language: Option<String>,
}

impl NewRepository {
    /// Returns a public repository without a language, with the default branch `main`.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), private: false, default_branch: "main".to_owned(), language: None }
    }

    /// Sets whether it is private.
    #[must_use]
    pub fn private(mut self, private: bool) -> Self {
        self.private = private;
        self
    }

    /// Sets the default branch.
    #[must_use]
    pub fn with_default_branch(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.default_branch);
        self
    }

    /// Sets the main programming language.
    #[must_use]
    pub fn with_language(mut self, language: Option<&str>) -> Self {
        self.language = language.map(str::to_owned);
        self
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) default_branch: String,
    pub(crate) language: Option<String>,
    pub(crate) created_at: OffsetDateTime,
}

impl Account {
    /// Finds a repository of the account. Names are case-insensitive.
    pub(crate) fn repository(&self, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.name.eq_ignore_ascii_case(name))
    }
}

impl Model {
    pub(crate) fn create_repository(
        &mut self,
        owner: &str,
        new: NewRepository,
        now: OffsetDateTime,
    ) -> Result<u64, SimError> {
        let owner = self.id_of(owner)?;
        check_name(&new.name)?;
        check_branch(&new.default_branch)?;
        let id = 900_000_001 + self.issued.repositories * 11;
        if let Some(account) = self.accounts.get_mut(&owner) {
            if account.repository(&new.name).is_some() {
                return Err(SimError::Taken(new.name));
            }
            account.repositories.push(Repository {
                id,
                name: new.name,
                private: new.private,
                default_branch: new.default_branch,
                language: new.language,
                created_at: now,
            });
            self.issued.repositories += 1;
        }
        Ok(id)
    }

    /// Finds a repository and its owner by the repository's id.
    pub(crate) fn repository_by_id(&self, id: u64) -> Option<(&Account, &Repository)> {
        self.accounts.values().find_map(|account| {
            let found = account.repositories.iter().find(|repository| repository.id == id);
            found.map(|repository| (account, repository))
        })
    }

    /// Finds a repository and its owner. Names are case-insensitive.
    pub(crate) fn repository_by_name(&self, owner: &str, name: &str) -> Option<(&Account, &Repository)> {
        let account = self.account_by_login(owner)?;
        account.repository(name).map(|repository| (account, repository))
    }
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')
}

fn check_name(name: &str) -> Result<(), SimError> {
    // Git URLs end in `.git`, so such a name would be ambiguous.
    let reserved = name == "." || name == ".." || name.ends_with(".git");
    if name.is_empty() || name.len() > 100 || !name.bytes().all(is_name_byte) || reserved {
        return Err(SimError::Invalid(
            "a repository name has 1 to 100 letters, digits, dots, hyphens or underscores and does not end in .git",
        ));
    }
    Ok(())
}

/// Rejects branch names that git rejects, and some that it allows.
fn check_branch(branch: &str) -> Result<(), SimError> {
    let valid = |part: &str| {
        !part.is_empty()
            && part.bytes().all(is_name_byte)
            && !part.starts_with(['.', '-'])
            && !part.ends_with(".lock")
    };
    if branch.len() > 200 || branch.contains("..") || branch.ends_with('.') || !branch.split('/').all(valid) {
        return Err(SimError::Invalid("the branch name is not valid"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_and_branch_names_that_git_misreads_are_rejected() {
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
