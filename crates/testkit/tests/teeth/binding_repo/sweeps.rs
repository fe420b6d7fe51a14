//! Wrong lists of what GitHub was not asked about for a while.

use std::collections::HashSet;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, Insertion, Observation, Observed, Unverified};
use dockline::{InstallationId, NewBinding, Status};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{model, sweeping};
use time::{Duration, OffsetDateTime};

use super::{Repo, Wrong, over_memory};
use crate::bites;

over_memory! {
    /// `<=` for `<`.
    SweepsWhatIsOfThatTime,
    /// `>=` for `>`.
    BeginsWithTheCursor,
    /// The cursor is a time.
    SkipsEqualsOfTheCursor,
    /// The cursor is a number.
    GoesByNumberAlone,
    /// Numbers in the order of their digits.
    SortsNumbersAsText,
    /// The cursor is not looked at.
    AlwaysBeginsAnew,
    /// The cursor is a row, and where it is gone, so is the sweep's place.
    LooksForTheCursorsRow,
    /// The limit is not looked at.
    HasNoLimit,
    /// The limit is taken before the cursor.
    LimitsBeforeTheCursor,
    /// Only what gives tokens.
    SweepsOnlyTheActive,
    /// The longest unverified last.
    BeginsWithTheNewest
}

const ALWAYS: OffsetDateTime = time::macros::datetime!(9000-01-01 0:00 UTC);

/// All that is due, from the beginning.
async fn all(memory: &MemoryBindingRepo, before: OffsetDateTime) -> Vec<Unverified> {
    memory.unverified_since(before, None, u32::MAX).await.unwrap()
}

fn page(mut due: Vec<Unverified>, limit: u32) -> Vec<Unverified> {
    due.truncate(usize::try_from(limit).unwrap());
    due
}

fn place(due: &Unverified) -> (OffsetDateTime, InstallationId) {
    (due.verified_at, due.installation)
}

#[async_trait]
impl Wrong for SweepsWhatIsOfThatTime {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        self.0.unverified_since(before + Duration::MICROSECOND, after, limit).await.unwrap()
    }
}

#[async_trait]
impl Wrong for BeginsWithTheCursor {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        let mut due = all(&self.0, before).await;
        due.retain(|due| after.is_none_or(|after| place(due) >= place(&after)));
        page(due, limit)
    }
}

#[async_trait]
impl Wrong for SkipsEqualsOfTheCursor {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        let mut due = all(&self.0, before).await;
        due.retain(|due| after.is_none_or(|after| due.verified_at > after.verified_at));
        page(due, limit)
    }
}

#[async_trait]
impl Wrong for GoesByNumberAlone {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        let mut due = all(&self.0, before).await;
        due.sort_by_key(|due| due.installation);
        due.retain(|due| after.is_none_or(|after| due.installation > after.installation));
        page(due, limit)
    }
}

#[async_trait]
impl Wrong for SortsNumbersAsText {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        let text = |due: &Unverified| (due.verified_at, due.installation.to_string());
        let mut due = all(&self.0, before).await;
        due.sort_by_key(text);
        due.retain(|due| after.is_none_or(|after| text(due) > text(&after)));
        page(due, limit)
    }
}

#[async_trait]
impl Wrong for AlwaysBeginsAnew {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        _: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        self.0.unverified_since(before, None, limit).await.unwrap()
    }
}

#[async_trait]
impl Wrong for LooksForTheCursorsRow {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        let due = all(&self.0, before).await;
        let Some(after) = after else { return page(due, limit) };
        match due.iter().position(|due| *due == after) {
            Some(position) => page(due.into_iter().skip(position + 1).collect(), limit),
            None => Vec::new(),
        }
    }
}

#[async_trait]
impl Wrong for HasNoLimit {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        _: u32,
    ) -> Vec<Unverified> {
        self.0.unverified_since(before, after, u32::MAX).await.unwrap()
    }
}

#[async_trait]
impl Wrong for LimitsBeforeTheCursor {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        let mut due = page(all(&self.0, before).await, limit);
        due.retain(|due| after.is_none_or(|after| place(due) > place(&after)));
        due
    }
}

#[async_trait]
impl Wrong for SweepsOnlyTheActive {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        let mut active = Vec::new();
        for due in self.0.unverified_since(before, after, u32::MAX).await.unwrap() {
            if self.known(due.installation).await.unwrap().status == Status::Active {
                active.push(due);
            }
        }
        page(active, limit)
    }
}

#[async_trait]
impl Wrong for BeginsWithTheNewest {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        let mut due = all(&self.0, before).await;
        due.reverse();
        due.retain(|due| after.is_none_or(|after| place(due) < place(&after)));
        page(due, limit)
    }
}

/// Lists whatever it was told of: `due` decides what of that counts.
#[derive(Debug)]
struct ListsWhatItHeardOf {
    memory: MemoryBindingRepo,
    heard: Mutex<HashSet<InstallationId>>,
    /// The dead, or else the unbound.
    the_dead: bool,
}

impl ListsWhatItHeardOf {
    fn of(the_dead: bool) -> Self {
        Self { memory: MemoryBindingRepo::new(), heard: Mutex::default(), the_dead }
    }
}

#[async_trait]
impl Wrong for ListsWhatItHeardOf {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn insert(&self, new: NewBinding) -> Insertion {
        self.heard.lock().unwrap().insert(new.installation);
        self.memory.insert(new).await.unwrap()
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> Observed {
        self.heard.lock().unwrap().insert(id);
        self.memory.observe(id, observation).await.unwrap()
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        let heard = self.heard.lock().unwrap().clone();
        let mut due = all(&self.memory, before).await;
        for installation in heard {
            let Some(kept) = self.known(installation).await else { continue };
            let dead = kept.status == Status::Uninstalled;
            let counts = if self.the_dead { dead && kept.organization.is_some() } else { !dead };
            let it = Unverified { verified_at: kept.verified_at, installation };
            if counts && kept.verified_at < before && !due.contains(&it) {
                due.push(it);
            }
        }
        due.sort_by_key(place);
        due.retain(|due| after.is_none_or(|after| place(due) > place(&after)));
        page(due, limit)
    }
}

/// The time of the binding, not of GitHub's last answer.
#[derive(Debug, Default)]
struct GoesByTheRegistration(MemoryBindingRepo);

#[async_trait]
impl Wrong for GoesByTheRegistration {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Vec<Unverified> {
        let mut due = Vec::new();
        for Unverified { installation, .. } in all(&self.0, ALWAYS).await {
            let registered = self.0.find_by_installation(installation).await.unwrap().unwrap();
            due.push(Unverified { verified_at: registered.registered_at, installation });
        }
        due.sort_by_key(place);
        due.retain(|due| due.verified_at < before && after.is_none_or(|after| place(due) > place(&after)));
        page(due, limit)
    }
}

bites! {
    BindingRepo;
    a_sweep_of_what_is_of_that_time: Repo(SweepsWhatIsOfThatTime::default()) =>
        sweeping::what_github_answered_about_before_is_due_and_at_that_time_is_not;
    a_sweep_by_the_registration: Repo(GoesByTheRegistration::default()) =>
        sweeping::what_was_verified_meanwhile_is_not_due,
        sweeping::what_github_answered_about_before_is_due_and_at_that_time_is_not;
    a_page_that_begins_with_the_cursor: Repo(BeginsWithTheCursor::default()) =>
        sweeping::a_page_has_no_more_than_its_limit,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_page_that_skips_the_cursors_equals: Repo(SkipsEqualsOfTheCursor::default()) =>
        sweeping::pages_follow_on_one_another_also_among_equals,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_sweep_by_number_alone: Repo(GoesByNumberAlone::default()) =>
        sweeping::the_longest_unverified_comes_first_and_the_lowest_number_among_equals,
        sweeping::a_sweep_that_verifies_what_it_sees_comes_to_each_once;
    a_sweep_in_the_order_of_digits: Repo(SortsNumbersAsText::default()) =>
        sweeping::the_longest_unverified_comes_first_and_the_lowest_number_among_equals;
    a_sweep_that_always_begins_anew: Repo(AlwaysBeginsAnew::default()) =>
        sweeping::a_page_has_no_more_than_its_limit,
        sweeping::a_page_follows_on_what_is_not_there_any_more;
    a_cursor_that_has_to_be_there: Repo(LooksForTheCursorsRow::default()) =>
        sweeping::a_page_follows_on_what_is_not_there_any_more,
        sweeping::a_sweep_that_verifies_what_it_sees_comes_to_each_once;
    a_page_without_a_limit: Repo(HasNoLimit::default()) =>
        sweeping::a_page_has_no_more_than_its_limit;
    a_limit_before_the_cursor: Repo(LimitsBeforeTheCursor::default()) =>
        sweeping::a_page_has_no_more_than_its_limit,
        sweeping::pages_follow_on_one_another_also_among_equals;
    a_sweep_of_the_active_only: Repo(SweepsOnlyTheActive::default()) =>
        sweeping::an_uninstalled_installation_is_not_due_and_a_suspended_one_is;
    a_sweep_of_the_dead: Repo(ListsWhatItHeardOf::of(true)) =>
        sweeping::an_uninstalled_installation_is_not_due_and_a_suspended_one_is,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_sweep_of_what_nobody_has: Repo(ListsWhatItHeardOf::of(false)) =>
        sweeping::only_what_is_bound_is_due;
    a_sweep_that_begins_with_the_newest: Repo(BeginsWithTheNewest::default()) =>
        sweeping::the_longest_unverified_comes_first_and_the_lowest_number_among_equals;
}
