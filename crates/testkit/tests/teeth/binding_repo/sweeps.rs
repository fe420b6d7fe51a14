//! Wrong lists of what GitHub was not asked about for a while.

use std::collections::HashSet;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReconcileCursor};
use dockline::{InstallationId, NewBinding, Status};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{model, sweeping};
use time::OffsetDateTime;

use super::{Repo, Wrong, over_memory};
use crate::bites;

over_memory! {
    /// Only what gives tokens.
    SweepsOnlyTheActive
}

const ALWAYS: OffsetDateTime = time::macros::datetime!(9000-01-01 0:00 UTC);

/// What a page was asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    before: OffsetDateTime,
    after: Option<ReconcileCursor>,
    limit: u32,
}

impl Asked {
    fn is_due(&self, due: &ReconcileCursor) -> bool {
        due.verified_at < self.before
    }

    fn follows(&self, due: &ReconcileCursor) -> bool {
        self.after.is_none_or(|after| place(due) > place(&after))
    }

    fn page(&self, due: impl IntoIterator<Item = ReconcileCursor>) -> Vec<ReconcileCursor> {
        due.into_iter().take(usize::try_from(self.limit).unwrap()).collect()
    }
}

fn place(due: &ReconcileCursor) -> (OffsetDateTime, InstallationId) {
    (due.verified_at, due.installation)
}

/// All that is due before `before`, in order.
async fn all(memory: &MemoryBindingRepo, before: OffsetDateTime) -> Vec<ReconcileCursor> {
    memory.stale(before, None, u32::MAX).await.unwrap()
}

/// How a wrong repository cuts a page out of all that is bound and alive.
type Cut = fn(Asked, Vec<ReconcileCursor>) -> Vec<ReconcileCursor>;

#[derive(Debug)]
struct Cuts {
    memory: MemoryBindingRepo,
    cut: Cut,
}

/// A repository whose pages are cut like this.
fn cuts(cut: Cut) -> Repo<Cuts> {
    Repo(Cuts { memory: MemoryBindingRepo::new(), cut })
}

#[async_trait]
impl Wrong for Cuts {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        (self.cut)(Asked { before, after, limit }, all(&self.memory, ALWAYS).await)
    }
}

/// `<=` for `<`.
fn with_what_is_of_that_time(asked: Asked, all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    asked.page(all.into_iter().filter(|due| due.verified_at <= asked.before && asked.follows(due)))
}

/// `>=` for `>`.
fn from_the_cursor_on(asked: Asked, all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    let follows = |due: &ReconcileCursor| asked.after.is_none_or(|after| place(due) >= place(&after));
    asked.page(all.into_iter().filter(|due| asked.is_due(due) && follows(due)))
}

/// The cursor is a time.
fn after_the_cursors_equals(asked: Asked, all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    let follows = |due: &ReconcileCursor| asked.after.is_none_or(|after| due.verified_at > after.verified_at);
    asked.page(all.into_iter().filter(|due| asked.is_due(due) && follows(due)))
}

/// The cursor is a number.
fn by_number_alone(asked: Asked, mut all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    all.sort_by_key(|due| due.installation);
    let follows =
        |due: &ReconcileCursor| asked.after.is_none_or(|after| due.installation > after.installation);
    asked.page(all.into_iter().filter(|due| asked.is_due(due) && follows(due)))
}

/// Numbers in the order of their digits.
fn with_numbers_as_text(asked: Asked, mut all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    let text = |due: &ReconcileCursor| (due.verified_at, due.installation.to_string());
    all.sort_by_key(text);
    let follows = |due: &ReconcileCursor| asked.after.is_none_or(|after| text(due) > text(&after));
    asked.page(all.into_iter().filter(|due| asked.is_due(due) && follows(due)))
}

/// The cursor is not looked at.
fn always_anew(asked: Asked, all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    asked.page(all.into_iter().filter(|due| asked.is_due(due)))
}

/// The cursor is a row, and where it is gone, so is the sweep's place.
fn after_the_cursors_row(asked: Asked, all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    let begin = asked.after.map_or(Some(0), |after| Some(all.iter().position(|due| *due == after)? + 1));
    let rest = begin.map(|begin| all.into_iter().skip(begin)).into_iter().flatten();
    asked.page(rest.filter(|due| asked.is_due(due)))
}

/// The limit is not looked at.
fn without_a_limit(asked: Asked, all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    all.into_iter().filter(|due| asked.is_due(due) && asked.follows(due)).collect()
}

/// The limit is taken before the cursor.
fn with_the_limit_first(asked: Asked, all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    let mut page = asked.page(all.into_iter().filter(|due| asked.is_due(due)));
    page.retain(|due| asked.follows(due));
    page
}

/// The longest unverified last.
fn from_the_newest_on(asked: Asked, mut all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    all.reverse();
    let follows = |due: &ReconcileCursor| asked.after.is_none_or(|after| place(due) < place(&after));
    asked.page(all.into_iter().filter(|due| asked.is_due(due) && follows(due)))
}

#[async_trait]
impl Wrong for SweepsOnlyTheActive {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let mut active = Vec::new();
        for due in self.0.stale(before, after, u32::MAX).await.unwrap() {
            if self.installation(due.installation).await.unwrap().status == Status::Active {
                active.push(due);
            }
        }
        Asked { before, after, limit }.page(active)
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

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        self.heard.lock().unwrap().insert(new.installation);
        self.memory.insert(new).await.unwrap()
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        self.heard.lock().unwrap().insert(id);
        self.memory.observe(id, observation).await.unwrap()
    }

    async fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let heard = self.heard.lock().unwrap().clone();
        let mut due = all(&self.memory, before).await;
        for installation in heard {
            let Some(kept) = self.installation(installation).await else { continue };
            let dead = kept.status == Status::Uninstalled;
            let counts = if self.the_dead { dead && kept.organization.is_some() } else { !dead };
            let it = ReconcileCursor { verified_at: kept.verified_at, installation };
            if counts && kept.verified_at < before && !due.contains(&it) {
                due.push(it);
            }
        }
        due.sort_by_key(place);
        let asked = Asked { before, after, limit };
        asked.page(due.into_iter().filter(|due| asked.follows(due)))
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

    async fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let mut due = Vec::new();
        for ReconcileCursor { installation, .. } in all(&self.0, ALWAYS).await {
            let registered = self.0.find_by_installation(installation).await.unwrap().unwrap();
            due.push(ReconcileCursor { verified_at: registered.registered_at, installation });
        }
        due.sort_by_key(place);
        let asked = Asked { before, after, limit };
        asked.page(due.into_iter().filter(|due| asked.is_due(due) && asked.follows(due)))
    }
}

bites! {
    BindingRepo;
    a_sweep_of_what_is_of_that_time: cuts(with_what_is_of_that_time) =>
        sweeping::what_github_answered_about_before_is_due_and_at_that_time_is_not;
    a_sweep_by_the_registration: Repo(GoesByTheRegistration::default()) =>
        sweeping::what_was_verified_meanwhile_is_not_due,
        sweeping::what_github_answered_about_before_is_due_and_at_that_time_is_not;
    a_page_that_begins_with_the_cursor: cuts(from_the_cursor_on) =>
        sweeping::a_page_has_no_more_than_its_limit,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_page_that_skips_the_cursors_equals: cuts(after_the_cursors_equals) =>
        sweeping::pages_follow_on_one_another_also_among_equals,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_sweep_by_number_alone: cuts(by_number_alone) =>
        sweeping::the_longest_unverified_comes_first_and_the_lowest_number_among_equals,
        sweeping::a_sweep_that_verifies_what_it_sees_comes_to_each_once;
    a_sweep_in_the_order_of_digits: cuts(with_numbers_as_text) =>
        sweeping::the_longest_unverified_comes_first_and_the_lowest_number_among_equals;
    a_sweep_that_always_begins_anew: cuts(always_anew) =>
        sweeping::a_page_has_no_more_than_its_limit,
        sweeping::a_page_follows_on_what_is_not_there_any_more;
    a_cursor_that_has_to_be_there: cuts(after_the_cursors_row) =>
        sweeping::a_page_follows_on_what_is_not_there_any_more,
        sweeping::a_sweep_that_verifies_what_it_sees_comes_to_each_once;
    a_page_without_a_limit: cuts(without_a_limit) =>
        sweeping::a_page_has_no_more_than_its_limit;
    a_limit_before_the_cursor: cuts(with_the_limit_first) =>
        sweeping::a_page_has_no_more_than_its_limit,
        sweeping::pages_follow_on_one_another_also_among_equals;
    a_sweep_of_the_active_only: Repo(SweepsOnlyTheActive::default()) =>
        sweeping::an_uninstalled_installation_is_not_due_and_a_suspended_one_is;
    a_sweep_of_the_dead: Repo(ListsWhatItHeardOf::of(true)) =>
        sweeping::an_uninstalled_installation_is_not_due_and_a_suspended_one_is,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_sweep_of_what_nobody_has: Repo(ListsWhatItHeardOf::of(false)) =>
        sweeping::only_what_is_bound_is_due;
    a_sweep_that_begins_with_the_newest: cuts(from_the_newest_on) =>
        sweeping::the_longest_unverified_comes_first_and_the_lowest_number_among_equals;
}
