//! Upserts, answers from what was tried, lossy columns, conditions in the wrong order, and pages cut wrongly.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReconcileScope,
};
use dockline::{Binding, InstallationId, InstallationRecord, NewBinding, OrganizationId, StateDigest};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{due, insert, installation, observe_outcomes, sequences};
use dockline_testkit::fixtures::actor;
use time::OffsetDateTime;

use super::{Mutant, Repo, bound};
use crate::{killed, mutant};

mutant!(
    MemoryBindingRepo:
    /// Upserts by installation (L-06).
    struct MovesTheBinding {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let outcome = self.memory.insert(new.clone()).await.unwrap();
        if outcome != InsertOutcome::Taken {
            return outcome;
        }
        let row = bound(&self.memory, new.installation).await.unwrap();
        self.memory.release(&row.organization, row.installation, &actor(), new.registered_at).await.unwrap();
        self.memory.insert(new).await.unwrap()
    }
);

mutant!(
    MemoryBindingRepo:
    /// Upserts by organization: the second installation replaces the first.
    struct ReplacesTheBinding {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        match self.memory.insert(new.clone()).await.unwrap() {
            InsertOutcome::Occupied(row) if row.installation != new.installation => {
                self.memory.release(&row.organization, row.installation, &actor(), new.registered_at).await.unwrap();
                self.memory.insert(new).await.unwrap()
            }
            other => other,
        }
    }
);

mutant!(
    MemoryBindingRepo:
    /// Returns the row as given, not as stored, with its nanoseconds (L-64).
    struct ReturnsTheRowAsGiven {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        match self.memory.insert(new.clone()).await.unwrap() {
            InsertOutcome::Inserted(row) => {
                InsertOutcome::Inserted(Binding { registered_at: new.registered_at, ..row })
            }
            other => other,
        }
    }
);

mutant!(
    MemoryBindingRepo:
    /// Stores the facts of a refused insert, because it writes them first.
    struct StoresFactsOfRefusals {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let outcome = self.memory.insert(new.clone()).await.unwrap();
        if !matches!(outcome, InsertOutcome::Inserted(_)) {
            let NewBinding { installation, status, account, last_verified_at: asked_at, next_look_at, .. } = new;
            let observation = Observation::Present { status, account, asked_at, next_look_at };
            self.memory.observe(installation, observation).await.unwrap();
        }
        outcome
    }
);

mutant!(
    MemoryBindingRepo:
    /// Has columns of 31 bits (L-63).
    struct HasNarrowColumns {}

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        let mut row = self.memory.find(organization).await.unwrap()?;
        let narrow = row.installation.get() & u64::from(u32::MAX) >> 1;
        row.installation = InstallationId::new(narrow).unwrap();
        Some(row)
    }
);

fn folded(organization: &OrganizationId) -> OrganizationId {
    OrganizationId::new(organization.as_str().to_lowercase()).unwrap()
}

mutant!(
    MemoryBindingRepo:
    /// Has a collation that ignores case.
    struct IgnoresCase {}

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        self.memory.find(&folded(organization)).await.unwrap()
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let organization = folded(&new.organization);
        self.memory.insert(NewBinding { organization, ..new }).await.unwrap()
    }
);

mutant!(
    MemoryBindingRepo:
    /// Checks the spent state before the other conditions.
    struct ChecksTheStateFirst {
        spent: Mutex<Vec<(OrganizationId, StateDigest)>>,
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let pair = (new.organization.clone(), new.spent);
        let bound = self.memory.find(&new.organization).await.unwrap().is_some();
        if !bound && self.spent.lock().unwrap().contains(&pair) {
            return InsertOutcome::Spent;
        }
        let outcome = self.memory.insert(new).await.unwrap();
        if matches!(outcome, InsertOutcome::Inserted(_)) {
            self.spent.lock().unwrap().push(pair);
        }
        outcome
    }
);

mutant!(
    MemoryBindingRepo:
    /// Compares the time before it checks for an uninstallation.
    struct ComparesTheTimeFirst {}

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let record = self.memory.installation(id).await.unwrap();
        if let (Some(record), Observation::Present { asked_at, .. }) = (record, &observation)
            && *asked_at < record.life.observed_at
        {
            return ObserveOutcome::Outdated;
        }
        self.memory.observe(id, observation).await.unwrap().outcome
    }
);

mutant!(
    MemoryBindingRepo:
    /// Reads the organization of an installation from history.
    struct NamesTheFormerOrganization {
        last: Mutex<HashMap<InstallationId, OrganizationId>>,
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let outcome = self.memory.insert(new).await.unwrap();
        if let InsertOutcome::Inserted(row) = &outcome {
            self.last.lock().unwrap().insert(row.installation, row.organization.clone());
        }
        outcome
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let record = self.memory.installation(id).await.unwrap()?;
        let organization = self.last.lock().unwrap().get(&id).cloned();
        Some(InstallationRecord { organization, ..record })
    }
);

/// The arguments of `due`, by the next look.
#[derive(Debug, Clone, Copy)]
struct Query {
    before: OffsetDateTime,
    after: Option<ReconcileCursor>,
    limit: u32,
}

impl Query {
    fn is_due(&self, entry: &ReconcileCursor) -> bool {
        entry.next_look_at < self.before
    }

    fn page(&self, entries: impl IntoIterator<Item = ReconcileCursor>) -> Vec<ReconcileCursor> {
        entries.into_iter().take(usize::try_from(self.limit).unwrap()).collect()
    }
}

/// Cuts a page out of all entries.
type Cut = fn(Query, Vec<ReconcileCursor>) -> Vec<ReconcileCursor>;

/// A repository that cuts its pages like this.
#[derive(Debug)]
struct Cuts {
    memory: MemoryBindingRepo,
    cut: Cut,
}

fn cuts(cut: Cut) -> Repo<Cuts> {
    Repo(Cuts { memory: MemoryBindingRepo::new(), cut })
}

#[async_trait]
impl Mutant for Cuts {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let far_future = time::macros::datetime!(9000-01-01 0:00 UTC);
        let ReconcileScope::Due(before) = scope else {
            return self.memory.due(scope, after, limit).await.unwrap();
        };
        let all = self.memory.due(ReconcileScope::Due(far_future), None, u32::MAX).await.unwrap();
        (self.cut)(Query { before, after, limit }, all)
    }
}

/// Takes only the cursor's time, and so skips entries with the same time.
fn by_time(query: Query, all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    let follows =
        |entry: &ReconcileCursor| query.after.is_none_or(|after| entry.next_look_at > after.next_look_at);
    query.page(all.into_iter().filter(|entry| query.is_due(entry) && follows(entry)))
}

/// Takes only the cursor's number.
fn by_number(query: Query, mut all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    all.sort_by_key(|entry| entry.installation);
    let follows =
        |entry: &ReconcileCursor| query.after.is_none_or(|after| entry.installation > after.installation);
    query.page(all.into_iter().filter(|entry| query.is_due(entry) && follows(entry)))
}

/// Orders numbers as text.
fn by_digits(query: Query, mut all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    let text = |entry: &ReconcileCursor| (entry.next_look_at, entry.installation.to_string());
    all.sort_by_key(text);
    let follows = |entry: &ReconcileCursor| query.after.is_none_or(|after| text(entry) > text(&after));
    query.page(all.into_iter().filter(|entry| query.is_due(entry) && follows(entry)))
}

/// Looks for the cursor's entry, which may be gone.
fn after_the_entry(query: Query, all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    let start = query.after.map_or(Some(0), |after| Some(all.iter().position(|entry| *entry == after)? + 1));
    let rest = start.map(|start| all.into_iter().skip(start)).into_iter().flatten();
    query.page(rest.filter(|entry| query.is_due(entry)))
}

/// Applies the limit before the cursor.
fn limit_first(query: Query, all: Vec<ReconcileCursor>) -> Vec<ReconcileCursor> {
    let mut page = query.page(all.into_iter().filter(|entry| query.is_due(entry)));
    page.retain(|entry| {
        query.after.is_none_or(|after| {
            (entry.next_look_at, entry.installation) > (after.next_look_at, after.installation)
        })
    });
    page
}

killed! {
    BindingRepo;
    upsert_that_moves_the_binding: Repo(MovesTheBinding::default()) =>
        insert::installation_of_another_organization_is_refused,
        sequences::random_sequences_agree_with_the_reference;
    upsert_that_replaces_the_binding: Repo(ReplacesTheBinding::default()) =>
        insert::second_installation_of_an_organization_is_refused;
    row_returned_as_given: Repo(ReturnsTheRowAsGiven::default()) =>
        insert::times_are_truncated_to_microseconds,
        sequences::random_sequences_agree_with_the_reference;
    facts_of_a_refused_insert_stored: Repo(StoresFactsOfRefusals::default()) =>
        insert::refused_insert_changes_nothing,
        installation::refused_insert_makes_no_record,
        sequences::random_sequences_agree_with_the_reference;
    columns_of_31_bits: Repo(HasNarrowColumns::default()) =>
        insert::numbers_beyond_32_bits_round_trip;
    collation_that_ignores_case: Repo(IgnoresCase::default()) =>
        insert::organization_must_match_exactly;
    state_checked_first: Repo(ChecksTheStateFirst::default()) =>
        insert::taken_precedes_gone_and_spent,
        insert::gone_precedes_spent,
        sequences::random_sequences_agree_with_the_reference;
    time_compared_before_the_status: Repo(ComparesTheTimeFirst::default()) =>
        observe_outcomes::observation_after_an_uninstallation_is_gone,
        observe_outcomes::observation_after_only_an_uninstallation_is_gone;
    former_organization_named: Repo(NamesTheFormerOrganization::default()) =>
        installation::record_of_a_released_installation_names_no_organization,
        sequences::random_sequences_agree_with_the_reference;
    cursor_compared_by_time_only: cuts(by_time) =>
        due::pages_cover_every_entry_once,
        sequences::random_sequences_agree_with_the_reference;
    cursor_compared_by_number_only: cuts(by_number) =>
        due::order_is_by_time_then_number,
        due::observing_each_page_visits_every_entry_once;
    numbers_ordered_as_text: cuts(by_digits) =>
        due::order_is_by_time_then_number;
    cursor_that_needs_its_entry: cuts(after_the_entry) =>
        due::cursor_does_not_need_its_entry,
        due::observing_each_page_visits_every_entry_once;
    limit_applied_before_the_cursor: cuts(limit_first) =>
        due::page_has_at_most_its_limit,
        due::pages_cover_every_entry_once;
}
