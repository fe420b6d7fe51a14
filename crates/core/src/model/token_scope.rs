use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{InvalidRepositoryName, RepositoryId, RepositoryName};

/// What an installation token may reach: everything that was granted, or less (L-14).
///
/// The same narrowing is the same value however it was written down: repositories and permissions are sets, names are in
/// lower case. Tokens are cached by the whole of it, so that asking for less never gives more (L-36).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TokenScope {
    repositories: RepositoryScope,
    permissions: Option<BTreeMap<PermissionName, Access>>,
}

/// Which repositories a token reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum RepositoryScope {
    /// All that the installation reaches.
    #[default]
    All,
    /// These; never empty.
    Ids(BTreeSet<RepositoryId>),
    /// These; never empty.
    Names(BTreeSet<RepositoryName>),
}

/// How far a permission goes. GitHub's levels; a higher one holds the lower ones.
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
    /// GitHub's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// The name of a permission, as GitHub spells it: `contents`, `pull_requests`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PermissionName(String);

impl PermissionName {
    /// Accepts 1–64 characters of `a–z _`. Which names there are is GitHub's affair and grows.
    ///
    /// # Errors
    /// [`InvalidScope::MalformedPermission`] for anything else.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidScope> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let fits = (1..=64).contains(&name.len()) && name.bytes().all(allowed);
        if fits { Ok(Self(name)) } else { Err(InvalidScope::MalformedPermission) }
    }

    /// The name as text.
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

/// A narrowing that is refused before GitHub sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidScope {
    /// No repository is named. GitHub would read that as *all* of them (GitHub fact 18). Handling: name one, or ask for
    /// everything knowingly.
    #[error("a narrowing to no repository: GitHub would give all of them")]
    NoRepositories,
    /// No permission is named. GitHub would read that as *all* that were granted (L-48). Handling: as above.
    #[error("a narrowing to no permission: GitHub would give all of them")]
    NoPermissions,
    /// More than [`TokenScope::MOST_REPOSITORIES`] (GitHub fact 17).
    #[error("a token can be narrowed to at most 500 repositories")]
    TooManyRepositories,
    /// Not a repository's name.
    #[error(transparent)]
    MalformedRepository(#[from] InvalidRepositoryName),
    /// Not a permission's name.
    #[error("a permission's name has 1 to 64 characters of a-z and _")]
    MalformedPermission,
}

impl TokenScope {
    /// The most repositories that a token can be narrowed to (GitHub fact 17).
    pub const MOST_REPOSITORIES: usize = 500;

    /// Everything that was granted to the installation.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Only these repositories, by number; takes the place of an earlier choice of repositories.
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

    /// Only these repositories, by name without the owner; takes the place of an earlier choice of repositories.
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

    /// Only these permissions; takes the place of an earlier choice. A name given twice has its last level.
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

    /// Which repositories.
    #[must_use]
    pub const fn repositories(&self) -> &RepositoryScope {
        &self.repositories
    }

    /// Which permissions; `None`: all that were granted. Never empty.
    #[must_use]
    pub const fn permissions(&self) -> Option<&BTreeMap<PermissionName, Access>> {
        self.permissions.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_narrowing_is_the_same_value_and_another_is_not_l_36() {
        let ids = |ids: &[u64]| ids.iter().map(|id| RepositoryId::new(*id).unwrap()).collect::<Vec<_>>();
        let scope = |wanted: &[u64]| TokenScope::everything().with_repositories(ids(wanted)).unwrap();
        assert_eq!(scope(&[2, 1, 2]), scope(&[1, 2]));
        // What a joined text would mix up.
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
    fn an_empty_narrowing_is_refused_here_l_48() {
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
