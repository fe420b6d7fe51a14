use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{InvalidRepositoryName, RepositoryId, RepositoryName};

/// The repositories and permissions of an installation token: everything that was granted to the installation, or less.
///
/// Equal narrowings are equal values, whatever their order and spelling: repositories and permissions are sets, and names
/// are in lower case. Tokens are cached by the whole value, so that a narrow request never gets a broader token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TokenScope {
    repositories: RepositoryScope,
    permissions: Option<BTreeMap<PermissionName, Access>>,
}

/// The repositories that a token has access to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum RepositoryScope {
    /// All repositories of the installation.
    #[default]
    All,
    /// Repositories by id; never empty.
    Ids(BTreeSet<RepositoryId>),
    /// Repositories by name; never empty.
    Names(BTreeSet<RepositoryName>),
}

/// The level of a permission. A higher level includes the lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// `read`
    Read,
    /// `write`
    Write,
    /// `admin`
    Admin,
}

impl Access {
    /// Returns GitHub's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// The name of a permission in GitHub's spelling, such as `contents` or `pull_requests`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PermissionName(String);

impl PermissionName {
    /// Accepts 1–64 characters of `a–z _`. The name is not compared with a list, since GitHub keeps adding permissions.
    ///
    /// # Errors
    /// [`InvalidScope::MalformedPermission`] for anything else.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidScope> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let fits = (1..=64).contains(&name.len()) && name.bytes().all(allowed);
        if fits { Ok(Self(name)) } else { Err(InvalidScope::MalformedPermission) }
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PermissionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a [`TokenScope`] is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidScope {
    /// The list of repositories is empty, for which GitHub grants *all* repositories. Handling: name one, or use
    /// [`TokenScope::everything`].
    #[error("the list of repositories is empty, for which GitHub would grant all of them")]
    NoRepositories,
    /// The list of permissions is empty, for which GitHub grants *all* permissions. Handling: name one, or use
    /// [`TokenScope::everything`].
    #[error("the list of permissions is empty, for which GitHub would grant all of them")]
    NoPermissions,
    /// The list has more than [`TokenScope::MOST_REPOSITORIES`] repositories.
    #[error("a token can be narrowed to at most 500 repositories")]
    TooManyRepositories,
    /// The text is not a repository name.
    #[error(transparent)]
    MalformedRepository(#[from] InvalidRepositoryName),
    /// The text is not the name of a permission.
    #[error("the name of a permission has 1 to 64 characters of a-z and _")]
    MalformedPermission,
}

impl TokenScope {
    /// The maximum number of repositories that GitHub narrows a token to.
    pub const MOST_REPOSITORIES: usize = 500;

    /// Returns the scope of everything that was granted to the installation.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Narrows the scope to repositories by id. Replaces an earlier choice of repositories.
    ///
    /// # Errors
    /// [`InvalidScope::NoRepositories`], [`InvalidScope::TooManyRepositories`].
    pub fn with_repositories(
        mut self,
        repositories: impl IntoIterator<Item = RepositoryId>,
    ) -> Result<Self, InvalidScope> {
        let ids: BTreeSet<_> = repositories.into_iter().collect();
        Self::check(ids.len())?;
        self.repositories = RepositoryScope::Ids(ids);
        Ok(self)
    }

    /// Narrows the scope to repositories by name, without the owner. Replaces an earlier choice of repositories.
    ///
    /// # Errors
    /// As [`TokenScope::with_repositories`], and [`InvalidScope::MalformedRepository`].
    pub fn with_repository_names<'a>(
        mut self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidScope> {
        let names: BTreeSet<_> = names.into_iter().map(RepositoryName::new).collect::<Result<_, _>>()?;
        Self::check(names.len())?;
        self.repositories = RepositoryScope::Names(names);
        Ok(self)
    }

    fn check(repositories: usize) -> Result<(), InvalidScope> {
        match repositories {
            0 => Err(InvalidScope::NoRepositories),
            1..=Self::MOST_REPOSITORIES => Ok(()),
            _ => Err(InvalidScope::TooManyRepositories),
        }
    }

    /// Narrows the scope to permissions. Replaces an earlier choice of permissions. A name given twice gets its last level.
    ///
    /// # Errors
    /// [`InvalidScope::NoPermissions`].
    pub fn with_permissions(
        mut self,
        permissions: impl IntoIterator<Item = (PermissionName, Access)>,
    ) -> Result<Self, InvalidScope> {
        let permissions: BTreeMap<_, _> = permissions.into_iter().collect();
        if permissions.is_empty() {
            return Err(InvalidScope::NoPermissions);
        }
        self.permissions = Some(permissions);
        Ok(self)
    }

    /// Returns the repositories.
    #[must_use]
    pub const fn repositories(&self) -> &RepositoryScope {
        &self.repositories
    }

    /// Returns the permissions, which are never empty; `None` for all that were granted.
    #[must_use]
    pub const fn permissions(&self) -> Option<&BTreeMap<PermissionName, Access>> {
        self.permissions.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_narrowings_are_equal_and_others_differ_l_36() {
        let ids = |ids: &[u64]| ids.iter().map(|id| RepositoryId::new(*id).unwrap()).collect::<Vec<_>>();
        let scope = |wanted: &[u64]| TokenScope::everything().with_repositories(ids(wanted)).unwrap();
        assert_eq!(scope(&[2, 1, 2]), scope(&[1, 2]));
        // A joined text would mix these up.
        assert_ne!(scope(&[1, 23]), scope(&[12, 3]));
        assert_ne!(scope(&[1]), TokenScope::everything());
        let named =
            |names: &[&str]| TokenScope::everything().with_repository_names(names.iter().copied()).unwrap();
        assert_eq!(named(&["Beans", "roast"]), named(&["roast", "beans"]));
        assert_ne!(named(&["1"]), scope(&[1]));
        let permission = |name: &str, access| {
            let name = PermissionName::new(name).unwrap();
            TokenScope::everything().with_permissions([(name, access)]).unwrap()
        };
        assert_ne!(permission("contents", Access::Read), permission("contents", Access::Write));
        assert_ne!(permission("contents", Access::Read), permission("issues", Access::Read));
    }

    #[test]
    fn empty_oversized_and_malformed_narrowings_are_refused_l_48() {
        let everything = TokenScope::everything;
        assert_eq!(everything().with_repositories([]), Err(InvalidScope::NoRepositories));
        assert_eq!(everything().with_repository_names([]), Err(InvalidScope::NoRepositories));
        assert_eq!(everything().with_permissions([]), Err(InvalidScope::NoPermissions));
        let many =
            |count: u64| everything().with_repositories((1..=count).map(|id| RepositoryId::new(id).unwrap()));
        assert!(many(500).is_ok());
        assert_eq!(many(501), Err(InvalidScope::TooManyRepositories));
        for bad in ["", ".", "..", "acme/beans", "b b", "ü"] {
            let named = everything().with_repository_names([bad]);
            assert_eq!(named, Err(InvalidScope::MalformedRepository(InvalidRepositoryName)), "{bad:?}");
        }
        assert_eq!(PermissionName::new("Contents"), Err(InvalidScope::MalformedPermission));
    }
}
