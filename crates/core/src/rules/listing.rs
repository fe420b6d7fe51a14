//! Decides which pages of an installation's repositories to read, and when the list is complete.

use std::collections::BTreeMap;

use crate::model::{Repository, RepositoryId};
use crate::ports::ListOutcome;

/// The pages that were read so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing {
    pages: BTreeMap<u32, Page>,
    /// Whether the list is being read for the second time, because it changed during the first.
    again: bool,
}

#[derive(Debug, Clone)]
struct Page {
    repositories: Vec<Repository>,
    total: u64,
    next: Option<u32>,
}

/// The next step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Read these pages, in any order or at the same time.
    Read(Vec<u32>),
    /// The list is complete: these are all repositories, in ascending order of their ids.
    Done(Vec<Repository>),
    /// There are more than [`Listing::MOST`] repositories.
    TooMany,
}

impl Listing {
    /// The maximum number of repositories.
    pub(crate) const MOST: u32 = 20_000;
    /// Bounds a list that never ends; a page may be shorter than requested.
    const MOST_PAGES: u32 = 1_000;

    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    pub(crate) fn insert(
        &mut self,
        number: u32,
        repositories: Vec<Repository>,
        total: u64,
        next: Option<u32>,
    ) {
        self.pages.insert(number, Page { repositories, total, next });
    }

    /// Returns the next step. GitHub's links decide where the list ends; its total only allows reading ahead.
    pub(crate) fn step(&mut self) -> Step {
        let Some(first) = self.pages.get(&1) else { return Step::Read(vec![1]) };
        let total = first.total;
        if self.pages.values().any(|page| page.total > u64::from(Self::MOST)) {
            return Step::TooMany;
        }
        match self.end() {
            End::Beyond => Step::TooMany,
            End::Missing(number) => {
                let planned = u32::try_from(total.div_ceil(self.page_size())).unwrap_or(u32::MAX);
                let ahead = number + 1..=planned.min(Self::MOST_PAGES);
                let ahead = ahead.filter(|ahead| !self.pages.contains_key(ahead));
                Step::Read([number].into_iter().chain(ahead).collect())
            }
            End::Reached => self.all(total),
        }
    }

    /// Returns the length of the longest page, or what was requested while one page is known, which may be a short one.
    fn page_size(&self) -> u64 {
        let longest = self.pages.values().map(|page| page.repositories.len() as u64).max();
        match longest.filter(|_| self.pages.len() > 1) {
            Some(longest) => longest.max(1),
            None => u64::from(ListOutcome::PER_PAGE),
        }
    }

    /// Follows the links from the first page.
    fn end(&self) -> End {
        let mut number = 1;
        // Also ends if the links form a circle.
        for _ in 0..=Self::MOST_PAGES {
            match self.pages.get(&number) {
                None if number > Self::MOST_PAGES => return End::Beyond,
                None => return End::Missing(number),
                Some(Page { next: None, .. }) => return End::Reached,
                Some(Page { next: Some(next), .. }) => number = *next,
            }
        }
        End::Beyond
    }

    /// Returns all repositories, or starts over. If a repository is removed during the reading, another one moves to a page
    /// that was read before, and is missed; then the totals differ from each other or from what was read. The second reading
    /// counts in any case, since GitHub's total may be wrong for good.
    fn all(&mut self, total: u64) -> Step {
        let is_steady = self.pages.values().all(|page| page.total == total);
        let pages = std::mem::take(&mut self.pages).into_values();
        let all: BTreeMap<RepositoryId, Repository> =
            pages.flat_map(|page| page.repositories).map(|repository| (repository.id, repository)).collect();
        if all.len() > Self::MOST as usize {
            Step::TooMany
        } else if self.again || (is_steady && total == all.len() as u64) {
            Step::Done(all.into_values().collect())
        } else {
            self.again = true;
            Step::Read(vec![1])
        }
    }
}

enum End {
    /// The last page was read.
    Reached,
    /// This page is linked and was not read.
    Missing(u32),
    /// The list has more pages than can be read.
    Beyond,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repositories(ids: impl IntoIterator<Item = u64>) -> Vec<Repository> {
        let one = |id| Repository {
            id: RepositoryId::new(id).unwrap(),
            full_name: format!("acme/r{id}"),
            owner: "acme".into(),
            private: false,
            default_branch: "main".into(),
            language: None,
            html_url: String::new(),
        };
        ids.into_iter().map(one).collect()
    }

    #[test]
    fn the_first_page_tells_which_pages_can_be_read_ahead_l78() {
        let mut listing = Listing::default();
        assert_eq!(listing.step(), Step::Read(vec![1]));
        listing.insert(1, repositories(1..=100), 450, Some(2));
        assert_eq!(listing.step(), Step::Read(vec![2, 3, 4, 5]));
        // After an interruption only the missing pages are read.
        listing.insert(4, repositories(301..=400), 450, Some(5));
        listing.insert(2, repositories(101..=200), 450, Some(3));
        assert_eq!(listing.step(), Step::Read(vec![3, 5]));
        listing.insert(3, repositories(201..=300), 450, Some(4));
        listing.insert(5, repositories(401..=450), 450, None);
        assert_eq!(listing.step(), Step::Done(repositories(1..=450)));
    }

    #[test]
    fn links_beyond_the_total_are_followed_and_a_page_without_one_ends_the_list_l79() {
        let mut listing = Listing::default();
        listing.insert(1, repositories(1..=99), 99, Some(2));
        assert_eq!(listing.step(), Step::Read(vec![2]));
        listing.insert(2, repositories(101..=101), 99, Some(7));
        assert_eq!(listing.step(), Step::Read(vec![7]));
        listing.insert(7, vec![], 99, None);
        assert_eq!(listing.step(), Step::Read(vec![1]), "100 repositories are not 99: once again");
        listing.insert(1, repositories(1..=90), 9_000, None);
        assert_eq!(listing.step(), Step::Done(repositories(1..=90)), "the second reading counts");
    }

    #[test]
    fn lists_beyond_the_maximum_are_refused_and_circles_end() {
        let mut listing = Listing::default();
        listing.insert(1, repositories([1]), 20_001, Some(2));
        assert_eq!(listing.step(), Step::TooMany);
        let mut listing = Listing::default();
        for page in 1..=1_000 {
            listing.insert(page, repositories([u64::from(page)]), 20_000, Some(page + 1));
        }
        assert_eq!(listing.step(), Step::TooMany);
        listing.insert(1_000, repositories([1_000]), 20_000, Some(1));
        assert_eq!(listing.step(), Step::TooMany);
        listing.insert(1_000, repositories([1_000]), 20_000, None);
        assert_eq!(listing.step(), Step::Read(vec![1]));
        // More than GitHub counts.
        let mut listing = Listing::default();
        for page in 1..=201 {
            let first = u64::from(page - 1) * 100 + 1;
            listing.insert(page, repositories(first..first + 100), 20_000, (page < 201).then_some(page + 1));
        }
        assert_eq!(listing.step(), Step::TooMany);
    }

    #[test]
    fn pages_that_github_makes_smaller_are_read_ahead_too_l78() {
        let mut listing = Listing::default();
        listing.insert(1, repositories(1..=30), 250, Some(2));
        assert_eq!(listing.step(), Step::Read(vec![2, 3]));
        listing.insert(2, repositories(31..=60), 250, Some(3));
        listing.insert(3, repositories(61..=90), 250, Some(4));
        assert_eq!(listing.step(), Step::Read(vec![4, 5, 6, 7, 8, 9]));
    }
}
