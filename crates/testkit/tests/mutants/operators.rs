//! Wrong directories and erasures.

use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, DataSubjects, Directory, DirectoryQuery, Forgotten, HistoryOf, InsertOutcome, KeyStore,
    LoginFilter, Pseudonyms, StateStore,
};
use dockline::{
    AccountId, Binding, HistoryCursor, HistoryEntry, InstallationFacts, InstallationId, KeyRecord,
    NewBinding, OrganizationId, PortError, StoredFacts,
};
use dockline_memory::{
    MemoryBindingRepo, MemoryDataSubjects, MemoryKeyStore, MemoryOutbox, MemoryStateStore,
};
use dockline_testkit::data_subjects::{self, DataSubjectsDriver};
use dockline_testkit::directory::{self, DirectoryDriver};
use dockline_testkit::fixtures::{actor, installation, organization};
use dockline_testkit::outbox::{BOUNDS, Node};
use time::OffsetDateTime;

use crate::binding_repo::{Mutant, Repo};
use crate::{killed, without_offset};

/// What a directory does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    StartsAtTheBeginning,
    IncludesTheCursor,
    ReturnsMore,
    ListsBackwards,
    ComparesCase,
    MatchesAnywhere,
    IgnoresState,
    HistoryWithoutReleases,
    HistoryIncludesTheCursor,
    EarlierFactsCount,
    DeliveriesCount,
    FactsOfUnknown,
    ComparesWithoutCase,
    DropsOffsets,
}

#[derive(Debug)]
struct Wrong(MemoryBindingRepo, Defect);

impl Wrong {
    fn new(defect: Defect) -> Self {
        Self(MemoryBindingRepo::new(), defect)
    }
}

impl DirectoryDriver for Wrong {
    fn bindings(&self) -> &dyn BindingRepo {
        &self.0
    }

    fn directory(&self) -> &dyn Directory {
        self
    }
}

#[async_trait]
impl Directory for Wrong {
    async fn list(&self, query: &DirectoryQuery, limit: u32) -> Result<Vec<Binding>, PortError> {
        let mut query = query.clone();
        let cursor = query.after.clone();
        let mut limit = limit;
        let matching = query.login.clone();
        match self.1 {
            Defect::StartsAtTheBeginning => query.after = None,
            Defect::ReturnsMore => limit += 1,
            Defect::IgnoresState => query.state = None,
            Defect::ComparesWithoutCase => query.organization = None,
            Defect::DropsOffsets => query.verified_before = query.verified_before.map(without_offset),
            Defect::ComparesCase | Defect::MatchesAnywhere => query.login = None,
            _ => {}
        }
        let mut found = self.0.list(&query, limit).await?;
        match (self.1, matching) {
            (Defect::ComparesCase, Some(LoginFilter::Exact(text))) => {
                found.retain(|binding| binding.account.login == text);
            }
            (Defect::ComparesCase, Some(LoginFilter::Prefix(text))) => {
                found.retain(|binding| binding.account.login.starts_with(&text));
            }
            (Defect::MatchesAnywhere, Some(LoginFilter::Exact(text) | LoginFilter::Prefix(text))) => {
                found.retain(|binding| {
                    binding.account.login.to_ascii_lowercase().contains(&text.to_ascii_lowercase())
                });
            }
            (Defect::ListsBackwards, _) => found.reverse(),
            (Defect::IncludesTheCursor, _) => {
                // The last page is empty nevertheless, so that a reader of all pages ends.
                if let Some(cursor) = cursor.filter(|_| !found.is_empty()) {
                    let first = self.0.find(&cursor).await?;
                    found = first.into_iter().chain(found).take(limit as usize).collect();
                }
            }
            _ => {}
        }
        Ok(found)
    }

    async fn history(
        &self,
        of: &HistoryOf,
        after: Option<HistoryCursor>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, PortError> {
        let mut entries = Directory::history(&self.0, of, None, 1_000).await?;
        match self.1 {
            Defect::HistoryWithoutReleases => entries.retain(|entry| entry.released_at.is_none()),
            Defect::HistoryIncludesTheCursor => {
                entries.retain(|entry| after.as_ref().is_none_or(|after| entry.cursor() >= *after));
                // Ends nevertheless.
                if entries.len() == 1 && after.is_some() {
                    entries.clear();
                }
            }
            _ => return Directory::history(&self.0, of, after, limit).await,
        }
        entries.truncate(limit as usize);
        Ok(entries)
    }

    async fn facts(&self, id: InstallationId) -> Result<Option<StoredFacts>, PortError> {
        let stored = self.0.facts(id).await?;
        Ok(match (stored, self.1) {
            (None, Defect::FactsOfUnknown) => {
                Some(StoredFacts { facts: InstallationFacts::default(), observed_at: None })
            }
            (stored, _) => stored,
        })
    }

    async fn record_facts(
        &self,
        id: InstallationId,
        facts: &InstallationFacts,
        asked_at: Option<OffsetDateTime>,
    ) -> Result<(), PortError> {
        let kept = self.0.facts(id).await?.and_then(|kept| kept.observed_at);
        let asked_at = match (self.1, asked_at) {
            (Defect::DropsOffsets, Some(at)) => Some(without_offset(at)),
            (Defect::EarlierFactsCount, Some(at)) => Some(kept.map_or(at, |kept| kept.max(at))),
            (Defect::DeliveriesCount, None) => kept,
            (_, asked_at) => asked_at,
        };
        self.0.record_facts(id, facts, asked_at).await
    }
}

killed! {
    DirectoryDriver;
    starts_at_the_beginning: Wrong::new(Defect::StartsAtTheBeginning) =>
        directory::list::binding_is_found_by_each_id;
    includes_the_cursor: Wrong::new(Defect::IncludesTheCursor) => directory::list::pages_contain_each_binding_once;
    returns_more: Wrong::new(Defect::ReturnsMore) => directory::list::pages_contain_each_binding_once;
    lists_backwards: Wrong::new(Defect::ListsBackwards) => directory::list::list_is_ordered_by_organization;
    compares_case: Wrong::new(Defect::ComparesCase) => directory::list::logins_match_exactly_or_by_prefix;
    matches_anywhere: Wrong::new(Defect::MatchesAnywhere) => directory::list::logins_match_exactly_or_by_prefix;
    ignores_state: Wrong::new(Defect::IgnoresState) => directory::list::each_state_lists_its_bindings;
    history_without_releases: Wrong::new(Defect::HistoryWithoutReleases) =>
        directory::history::history_lists_bindings_oldest_first;
    history_includes_the_cursor: Wrong::new(Defect::HistoryIncludesTheCursor) =>
        directory::history::pages_of_the_history_contain_each_entry_once;
    earlier_facts_count: Wrong::new(Defect::EarlierFactsCount) => directory::facts::later_request_counts;
    deliveries_count: Wrong::new(Defect::DeliveriesCount) => directory::facts::delivery_never_replaces_a_request;
    compared_without_case: Wrong::new(Defect::ComparesWithoutCase) =>
        directory::list::case_of_letters_distinguishes_organizations;
    offsets_dropped: Wrong::new(Defect::DropsOffsets) =>
        directory::list::verified_before_compares_instants,
        directory::facts::facts_are_ordered_by_instant;
    facts_of_unknown: Wrong::new(Defect::FactsOfUnknown) => directory::facts::facts_are_returned_as_recorded;
}

/// What an erasure does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    KeepsTheKeys,
    KeepsTheHistory,
    ForgetsAllOrganizations,
    KeepsTheInstaller,
    KeepsTheMessages,
    ForgetsBoundPersons,
    ComparesWithoutCase,
    BindsTheErased,
}

#[derive(Debug)]
struct Forgets {
    bindings: MemoryBindingRepo,
    states: MemoryStateStore,
    keys: MemoryKeyStore,
    fault: Fault,
    binds_the_erased: Repo<BindsTheErased>,
}

/// Binds by facts from before the erasure, as if they were new.
#[derive(Debug)]
struct BindsTheErased(MemoryBindingRepo);

#[async_trait]
impl Mutant for BindsTheErased {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        match self.0.insert(new.clone()).await.unwrap() {
            InsertOutcome::Gone => {
                let last_verified_at = new.last_verified_at + time::Duration::DAY;
                self.0.insert(NewBinding { last_verified_at, ..new }).await.unwrap()
            }
            outcome => outcome,
        }
    }
}

impl Forgets {
    fn new(fault: Fault) -> Self {
        let (bindings, states, keys) =
            (MemoryBindingRepo::new(), MemoryStateStore::new(), MemoryKeyStore::new());
        let binds_the_erased = Repo(BindsTheErased(bindings.clone()));
        Self { bindings, states, keys, fault, binds_the_erased }
    }

    fn memory(&self) -> MemoryDataSubjects {
        let (bindings, states) = (self.bindings.clone(), self.states.clone());
        match self.fault {
            Fault::KeepsTheKeys => MemoryDataSubjects::new(bindings, states, MemoryKeyStore::new()),
            Fault::KeepsTheHistory => {
                MemoryDataSubjects::new(MemoryBindingRepo::new(), states, self.keys.clone())
            }
            _ => MemoryDataSubjects::new(bindings, states, self.keys.clone()),
        }
    }
}

#[async_trait]
impl DataSubjectsDriver for Forgets {
    fn subjects(&self) -> &dyn DataSubjects {
        self
    }

    fn bindings(&self) -> &dyn BindingRepo {
        if self.fault == Fault::BindsTheErased { &self.binds_the_erased } else { &self.bindings }
    }

    fn directory(&self) -> &dyn Directory {
        &self.bindings
    }

    async fn open_outbox(&self) -> Node {
        let outbox = MemoryOutbox::open(&self.bindings, BOUNDS);
        let bindings = Arc::new(self.bindings.clone());
        Node { app: 1, bindings, deliveries: Arc::new(outbox.clone()), outbox: Arc::new(outbox) }
    }

    fn states(&self) -> &dyn StateStore {
        &self.states
    }

    fn keys(&self) -> &dyn KeyStore {
        &self.keys
    }

    async fn insert_key(&self, record: KeyRecord) {
        self.keys.put(record);
    }
}

#[async_trait]
impl DataSubjects for Forgets {
    async fn forget_organization(
        &self,
        forgotten: &OrganizationId,
        pseudonyms: &Pseudonyms,
        at: OffsetDateTime,
    ) -> Result<Forgotten, PortError> {
        if self.fault == Fault::ComparesWithoutCase {
            self.memory().forget_organization(&organization("ACME"), pseudonyms, at).await?;
        }
        if self.fault == Fault::ForgetsAllOrganizations {
            self.memory().forget_organization(&organization("other"), pseudonyms, at).await?;
        }
        self.memory().forget_organization(forgotten, pseudonyms, at).await
    }

    async fn forget_github_user(
        &self,
        user: AccountId,
        pseudonyms: &Pseudonyms,
        at: OffsetDateTime,
    ) -> Result<Forgotten, PortError> {
        let installer = self.bindings.installer(installation(1)).await?;
        if self.fault == Fault::ForgetsBoundPersons {
            let id = installation(user.get());
            if let Some(bound) = self.bindings.installation(id).await?.and_then(|record| record.organization)
            {
                self.bindings.release(&bound, id, &actor(), at).await?;
            }
        }
        let forgotten = self.memory().forget_github_user(user, pseudonyms, at).await?;
        if self.fault == Fault::KeepsTheMessages {
            return Ok(Forgotten { messages: 0, still_waiting: 0, ..forgotten });
        }
        match installer {
            Some(_) if self.fault == Fault::KeepsTheInstaller => Ok(Forgotten { installers: 0, ..forgotten }),
            _ => Ok(forgotten),
        }
    }
}

killed! {
    DataSubjectsDriver;
    keeps_the_keys: Forgets::new(Fault::KeepsTheKeys) => data_subjects::organization::organization_leaves_nothing;
    keeps_the_history: Forgets::new(Fault::KeepsTheHistory) =>
        data_subjects::organization::organization_leaves_nothing,
        data_subjects::organization::history_keeps_entries_under_a_pseudonym;
    forgets_all_organizations: Forgets::new(Fault::ForgetsAllOrganizations) =>
        data_subjects::organization::other_organizations_are_untouched;
    forgets_without_case: Forgets::new(Fault::ComparesWithoutCase) =>
        data_subjects::organization::case_of_letters_distinguishes_organizations;
    binds_the_erased: Forgets::new(Fault::BindsTheErased) =>
        data_subjects::organization::facts_from_before_the_erasure_are_refused;
    keeps_the_installer: Forgets::new(Fault::KeepsTheInstaller) =>
        data_subjects::person::visitor_and_installer_get_a_pseudonym;
    keeps_the_messages: Forgets::new(Fault::KeepsTheMessages) =>
        data_subjects::person::messages_that_name_the_user_are_erased_unless_they_have_to_be_sent;
    forgets_bound_persons: Forgets::new(Fault::ForgetsBoundPersons) =>
        data_subjects::person::unbound_installation_on_the_users_account_is_scrubbed;
}
