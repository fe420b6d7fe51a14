//! Wrong memories of what GitHub said.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome};
use dockline::{Binding, InstallationId, NewBinding, OrganizationId, Status};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{inserting, model, observing, releasing};
use dockline_testkit::fixtures::{binding, seconds};

use super::{Repo, Wrong};
use crate::bites;

/// L-28: news about what is not bound is thrown away.
#[derive(Debug, Default)]
struct HasNoMemoryOfUninstalls(MemoryBindingRepo);

#[async_trait]
impl Wrong for HasNoMemoryOfUninstalls {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        if self.0.find_by_installation(id).await.unwrap().is_none() {
            return ObserveOutcome::Recorded;
        }
        self.0.observe(id, observation).await.unwrap()
    }
}

/// L-29: a webhook makes a tenant up.
#[derive(Debug, Default)]
struct BindsWhatItHears(MemoryBindingRepo);

#[async_trait]
impl Wrong for BindsWhatItHears {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let observed = self.0.observe(id, observation).await.unwrap();
        self.0.insert(NewBinding { installation: id, ..binding() }).await.unwrap();
        observed
    }
}

/// L-30: the last delivery wins.
#[derive(Debug, Default)]
struct LetsOlderFactsWin(MemoryBindingRepo);

#[async_trait]
impl Wrong for LetsOlderFactsWin {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, mut observation: Observation) -> ObserveOutcome {
        let row = self.0.find_by_installation(id).await.unwrap();
        if let (Some(row), Observation::Present { verified_at, .. }) = (row, &mut observation) {
            *verified_at = (*verified_at).max(row.last_verified_at);
        }
        self.0.observe(id, observation).await.unwrap()
    }
}

/// The strict comparison: what was heard at the same time is dropped.
#[derive(Debug, Default)]
struct DropsFactsOfTheSameTime(MemoryBindingRepo);

#[async_trait]
impl Wrong for DropsFactsOfTheSameTime {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let row = self.0.find_by_installation(id).await.unwrap();
        let same = |row: Binding| matches!(&observation, Observation::Present { verified_at, .. } if *verified_at == row.last_verified_at);
        if row.is_some_and(same) {
            return ObserveOutcome::Recorded;
        }
        self.0.observe(id, observation).await.unwrap()
    }
}

/// L-59: tokens of before are as good as those of after.
#[derive(Debug, Default)]
struct RaisesNoGeneration(MemoryBindingRepo);

#[async_trait]
impl Wrong for RaisesNoGeneration {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        let row = self.0.find(organization).await.unwrap()?;
        Some(Binding { generation: 1, ..row })
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        match self.0.insert(new).await.unwrap() {
            InsertOutcome::Inserted(row) => InsertOutcome::Inserted(Binding { generation: 1, ..row }),
            other => other,
        }
    }
}

/// Every hint evicts every token.
#[derive(Debug, Default)]
struct RaisesTheGenerationAlways {
    memory: MemoryBindingRepo,
    heard: Mutex<u64>,
}

#[async_trait]
impl Wrong for RaisesTheGenerationAlways {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        let row = self.memory.find(organization).await.unwrap()?;
        let heard = *self.heard.lock().unwrap();
        Some(Binding { generation: row.generation + heard, ..row })
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        *self.heard.lock().unwrap() += 1;
        self.memory.observe(id, observation).await.unwrap()
    }
}

/// L-31: what is heard after the end undoes it.
#[derive(Debug, Default)]
struct BringsTheDeadBack {
    memory: MemoryBindingRepo,
    heard: Mutex<HashMap<InstallationId, Status>>,
}

#[async_trait]
impl Wrong for BringsTheDeadBack {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        let row = self.memory.find(organization).await.unwrap()?;
        let status = self.heard.lock().unwrap().get(&row.installation).copied().unwrap_or(row.status);
        Some(Binding { status, ..row })
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let status = match &observation {
            Observation::Present { status, .. } => Some(*status),
            Observation::Uninstalled { .. } => Some(Status::Uninstalled),
            Observation::PermissionsChanged => None,
        };
        if let Some(status) = status {
            self.heard.lock().unwrap().insert(id, status);
        }
        self.memory.observe(id, observation).await.unwrap()
    }
}

/// The end releases, and the next organization may have what nobody should.
#[derive(Debug, Default)]
struct ReleasesAtTheEnd(MemoryBindingRepo);

#[async_trait]
impl Wrong for ReleasesAtTheEnd {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let ended = matches!(observation, Observation::Uninstalled { .. });
        let observed = self.0.observe(id, observation).await.unwrap();
        if let (true, Some(row)) = (ended, self.0.find_by_installation(id).await.unwrap()) {
            self.0.release(&row.organization, id, seconds(0)).await.unwrap();
        }
        observed
    }
}

/// An end that is older than what is known is taken for a late delivery.
#[derive(Debug, Default)]
struct DropsALateEnd(MemoryBindingRepo);

#[async_trait]
impl Wrong for DropsALateEnd {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let row = self.0.find_by_installation(id).await.unwrap();
        if let (Some(row), Observation::Uninstalled { verified_at }) = (row, &observation)
            && *verified_at < row.last_verified_at
        {
            return ObserveOutcome::Recorded;
        }
        self.0.observe(id, observation).await.unwrap()
    }
}

/// An insert believes what it brings, however old.
#[derive(Debug, Default)]
struct OverwritesFactsOnInsert(MemoryBindingRepo);

#[async_trait]
impl Wrong for OverwritesFactsOnInsert {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        match self.0.insert(new.clone()).await.unwrap() {
            InsertOutcome::Inserted(row) => InsertOutcome::Inserted(Binding {
                status: new.status,
                account: new.account,
                last_verified_at: new.last_verified_at,
                ..row
            }),
            other => other,
        }
    }
}

bites! {
    BindingRepo;
    no_memory_of_an_uninstall: Repo(HasNoMemoryOfUninstalls::default()) =>
        inserting::an_installation_that_was_uninstalled_before_anybody_bound_it_is_gone,
        observing::facts_about_an_unbound_installation_are_remembered,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    an_observation_that_creates_a_binding: Repo(BindsWhatItHears::default()) =>
        observing::an_observation_makes_no_binding;
    older_facts_that_win: Repo(LetsOlderFactsWin::default()) =>
        observing::an_older_observation_changes_nothing,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    facts_of_the_same_time_that_are_dropped: Repo(DropsFactsOfTheSameTime::default()) =>
        observing::an_observation_of_the_same_time_counts;
    a_generation_that_is_not_raised: Repo(RaisesNoGeneration::default()) =>
        observing::a_change_of_status_raises_the_generation,
        observing::a_change_of_account_raises_the_generation,
        releasing::a_release_raises_the_generation;
    a_generation_that_is_raised_by_every_hint: Repo(RaisesTheGenerationAlways::default()) =>
        observing::an_observation_without_news_moves_only_the_time,
        observing::a_repeated_end_raises_no_generation;
    an_uninstall_that_is_undone: Repo(BringsTheDeadBack::default()) =>
        observing::nothing_brings_an_uninstalled_installation_back;
    an_uninstall_that_releases: Repo(ReleasesAtTheEnd::default()) =>
        observing::the_end_of_an_installation_does_not_release_its_binding;
    a_late_uninstall_that_is_dropped: Repo(DropsALateEnd::default()) =>
        observing::the_end_counts_also_where_it_is_older_than_what_is_known,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    an_insert_that_overwrites_newer_facts: Repo(OverwritesFactsOnInsert::default()) =>
        inserting::older_facts_of_an_insert_do_not;
}
