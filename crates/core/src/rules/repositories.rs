//! Pages of repositories.

use data_encoding::BASE64URL_NOPAD;

use crate::error::{Issue, IssueCode};
use crate::model::{Repository, RepositoryId, is_decimal};

/// The start of a page: after the repository of this id. Ids do not change, so a repository that is added or removed
/// between two pages does not make another one appear twice or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepositoryCursor(RepositoryId);

impl RepositoryCursor {
    const VERSION: u8 = 1;

    /// Decodes a text that [`RepositoryCursor::encode`] returned.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (version, number) = bytes.split_first()?;
        let number = u64::from_be_bytes(number.try_into().ok()?);
        let id = RepositoryId::new(number).ok()?;
        (*version == Self::VERSION).then_some(Self(id))
    }

    /// Encodes the cursor as an opaque text for URLs.
    #[must_use]
    pub fn encode(self) -> String {
        let mut bytes = vec![Self::VERSION];
        bytes.extend(self.0.get().to_be_bytes());
        BASE64URL_NOPAD.encode(&bytes)
    }
}

/// The parameters of a page of repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoriesQuery {
    after: Option<RepositoryCursor>,
    limit: usize,
    search: String,
}

/// A page of repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoriesPage {
    /// The repositories, in ascending order of their ids.
    pub repositories: Vec<Repository>,
    /// The start of the next page; `None` if this is the last one.
    pub next: Option<RepositoryCursor>,
}

impl RepositoriesQuery {
    /// The number of repositories per page if no limit is given.
    pub const DEFAULT_LIMIT: usize = 30;
    /// The maximum number of repositories per page.
    pub const MOST: usize = 200;
    /// The maximum number of characters of the search text, which exceeds that of any full name.
    pub const LONGEST_SEARCH: usize = 200;

    /// Parses the three parameters. An empty one counts as absent.
    ///
    /// # Errors
    /// All problems of the parameters.
    pub fn parse(
        cursor: Option<&str>,
        limit: Option<&str>,
        search: Option<&str>,
    ) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let given = |text: Option<&str>| text.map(str::to_owned).filter(|text| !text.is_empty());
        let after = given(cursor).and_then(|text| {
            let cursor = RepositoryCursor::decode(&text);
            if cursor.is_none() {
                let message = "cursor must be the nextCursor of an earlier page, unchanged.";
                issues.push(Issue::new("cursor", IssueCode::Malformed, message));
            }
            cursor
        });
        let limit = given(limit).map_or(Ok(Self::DEFAULT_LIMIT), |text| Self::limit(&text));
        let limit = limit.unwrap_or_else(|issue| {
            issues.push(issue);
            Self::DEFAULT_LIMIT
        });
        let search = given(search).unwrap_or_default();
        if search.chars().count() > Self::LONGEST_SEARCH {
            let message = "search must have at most 200 characters.";
            issues.push(Issue::new("search", IssueCode::OutOfRange, message));
        }
        if issues.is_empty() { Ok(Self { after, limit, search: search.to_lowercase() }) } else { Err(issues) }
    }

    fn limit(text: &str) -> Result<usize, Issue> {
        if !is_decimal(text) {
            let message = "limit must be a whole number from 1 to 200.";
            return Err(Issue::new("limit", IssueCode::Malformed, message));
        }
        let limit = text.parse().ok().filter(|limit| (1..=Self::MOST).contains(limit));
        limit.ok_or_else(|| Issue::new("limit", IssueCode::OutOfRange, "limit must be from 1 to 200."))
    }

    /// Returns the page out of all repositories, which must be in ascending order of their ids.
    #[must_use]
    pub fn page(&self, all: &[Repository]) -> RepositoriesPage {
        let mut found = all.iter().filter(|repository| {
            self.after.is_none_or(|RepositoryCursor(last)| repository.id > last)
                && repository.full_name.to_lowercase().contains(&self.search)
        });
        let repositories: Vec<_> = found.by_ref().take(self.limit).cloned().collect();
        let last = repositories.last().map(|repository| RepositoryCursor(repository.id));
        let next = found.next().and(last);
        RepositoriesPage { repositories, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(id: u64, full_name: &str) -> Repository {
        Repository {
            id: RepositoryId::new(id).unwrap(),
            full_name: full_name.into(),
            owner: "acme".into(),
            private: false,
            default_branch: "main".into(),
            language: None,
            html_url: String::new(),
        }
    }

    fn numbers(page: &RepositoriesPage) -> Vec<u64> {
        page.repositories.iter().map(|repository| repository.id.get()).collect()
    }

    fn query(cursor: Option<RepositoryCursor>, limit: &str, search: &str) -> RepositoriesQuery {
        let cursor = cursor.map(RepositoryCursor::encode);
        RepositoriesQuery::parse(cursor.as_deref(), Some(limit), Some(search)).unwrap()
    }

    #[test]
    fn repositories_added_or_removed_between_pages_repeat_and_hide_no_other() {
        let mut all: Vec<_> = (1..=10).map(|id| repository(id * 10, "acme/x")).collect();
        let first = query(None, "4", "").page(&all);
        assert_eq!(numbers(&first), [10, 20, 30, 40]);
        // A repository of the first page is removed, so is the one that the cursor names, and one is added.
        all.retain(|repository| ![20, 40].contains(&repository.id.get()));
        all.insert(2, repository(45, "acme/x"));
        let second = query(first.next, "4", "").page(&all);
        assert_eq!(numbers(&second), [45, 50, 60, 70]);
        let third = query(second.next, "4", "").page(&all);
        assert_eq!(numbers(&third), [80, 90, 100]);
        assert_eq!(third.next, None);
        assert_eq!(query(None, "9", "").page(&all).next, None, "a full last page has no next");
    }

    #[test]
    fn search_matches_a_part_of_the_full_name_without_case() {
        let all =
            [repository(1, "Acme/Beans"), repository(2, "acme/roast"), repository(3, "acme/BEAN-counter")];
        assert_eq!(numbers(&query(None, "30", "bEaN").page(&all)), [1, 3]);
        assert_eq!(numbers(&query(None, "30", "acme/r").page(&all)), [2]);
        assert_eq!(numbers(&query(None, "1", "bean").page(&all)), [1]);
        assert!(query(None, "1", "bean").page(&all).next.is_some());
        assert!(query(None, "1", "roast").page(&all).next.is_none());
    }

    #[test]
    fn all_invalid_parameters_are_reported_at_once() {
        let defaults = RepositoriesQuery::parse(Some(""), Some(""), Some("")).unwrap();
        assert_eq!(defaults, RepositoriesQuery::parse(None, None, None).unwrap());
        assert_eq!(defaults.limit, 30);
        for bad in ["0", "201", "-1", "+5", "1.0", "1e2", "many", " 5", "99999999999999999999999"] {
            assert!(RepositoriesQuery::parse(None, Some(bad), None).is_err(), "{bad}");
        }
        for bad in ["x", "AQ", "AgAAAAAAAAAB", "AQAAAAAAAAAA", "AQAAAAAAAAABAA", "AQAAAAAAAAAB=", "../.."] {
            assert!(RepositoriesQuery::parse(Some(bad), None, None).is_err(), "{bad}");
        }
        for good in ["1", "200", "007"] {
            assert!(RepositoriesQuery::parse(None, Some(good), Some(&"ä".repeat(200))).is_ok(), "{good}");
        }
        let issues = RepositoriesQuery::parse(Some("x"), Some("0"), Some(&"x".repeat(201))).unwrap_err();
        let paths: Vec<_> = issues.iter().map(|issue| issue.path.as_ref()).collect();
        assert_eq!(paths, ["cursor", "limit", "search"]);
    }
}
