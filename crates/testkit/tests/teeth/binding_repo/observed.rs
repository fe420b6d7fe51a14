//! Wrong words about what an observation was worth, and wrong effects of new grants.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, Observation, ObserveOutcome};
use dockline::{Binding, InstallationId, InstallationRecord, NewBinding, OrganizationId, Status};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{answering, knowing, model, regranting, sweeping};
use dockline_testkit::fixtures::{account, seconds};

use super::{Repo, Wrong, over_memory};
use crate::bites;

over_memory! {
    /// Whatever is heard, it counts.
    CallsEverythingRecorded,
    /// One answer for all that changes nothing.
    CallsTheDeadOutdated,
    /// The time is looked at before the status.
    CallsOlderNewsOfTheDeadOutdated,
    /// An end that is older than what is known is called a late delivery.
    CallsALateEndOutdated,
    /// What changed nothing is called outdated.
    CallsNoNewsOutdated,
    /// L-41: tokens of before the change live on.
    ForgetsNewGrants,
    /// Looks for the binding, and drops what nobody has.
    ForgetsGrantsOfTheUnbound,
    /// New grants are news of an installation that is there: L-30.
    TakesGrantsForLife,
    /// And made up where there is none.
    MakesInstallationsUpFromGrants,
    /// An unknown installation is one that nothing can be told of any more.
    CallsGrantsOfTheUnknownGone,
    /// The account of what is gone is still brought up to date.
    RenamesTheDead
}

#[async_trait]
impl Wrong for CallsEverythingRecorded {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        self.0.observe(id, observation).await.unwrap();
        ObserveOutcome::Recorded
    }
}

#[async_trait]
impl Wrong for CallsTheDeadOutdated {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        match self.0.observe(id, observation).await.unwrap() {
            ObserveOutcome::Gone => ObserveOutcome::Outdated,
            other => other,
        }
    }
}

#[async_trait]
impl Wrong for CallsOlderNewsOfTheDeadOutdated {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let kept = self.0.installation(id).await.unwrap();
        if let (Some(kept), Observation::Present { verified_at, .. }) = (kept, &observation)
            && *verified_at < kept.verified_at
        {
            return ObserveOutcome::Outdated;
        }
        self.0.observe(id, observation).await.unwrap()
    }
}

#[async_trait]
impl Wrong for CallsALateEndOutdated {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let kept = self.0.installation(id).await.unwrap();
        let late = matches!((&kept, &observation), (Some(kept), Observation::Uninstalled { verified_at })
            if *verified_at < kept.verified_at);
        let observed = self.0.observe(id, observation).await.unwrap();
        if late { ObserveOutcome::Outdated } else { observed }
    }
}

#[async_trait]
impl Wrong for CallsNoNewsOutdated {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let before = self.0.installation(id).await.unwrap();
        let observed = self.0.observe(id, observation).await.unwrap();
        let unchanged = self.0.installation(id).await.unwrap() == before;
        if unchanged && observed == ObserveOutcome::Recorded { ObserveOutcome::Outdated } else { observed }
    }
}

#[async_trait]
impl Wrong for ForgetsNewGrants {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        match (observation, self.0.installation(id).await.unwrap()) {
            (Observation::PermissionsChanged, None) => ObserveOutcome::Outdated,
            (Observation::PermissionsChanged, Some(kept)) if kept.status == Status::Uninstalled => {
                ObserveOutcome::Gone
            }
            (Observation::PermissionsChanged, Some(_)) => ObserveOutcome::Recorded,
            (observation, _) => self.0.observe(id, observation).await.unwrap(),
        }
    }
}

#[async_trait]
impl Wrong for ForgetsGrantsOfTheUnbound {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let bound = self.0.find_by_installation(id).await.unwrap().is_some();
        if observation == Observation::PermissionsChanged && !bound {
            return ObserveOutcome::Outdated;
        }
        self.0.observe(id, observation).await.unwrap()
    }
}

#[async_trait]
impl Wrong for TakesGrantsForLife {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let kept = self.0.installation(id).await.unwrap();
        let observed = self.0.observe(id, observation.clone()).await.unwrap();
        if let (
            Observation::PermissionsChanged,
            Some(InstallationRecord { account: Some(account), verified_at, .. }),
        ) = (observation, kept)
        {
            let verified_at = verified_at + time::Duration::SECOND;
            let alive = Observation::Present { status: Status::Active, account, verified_at };
            self.0.observe(id, alive).await.unwrap();
        }
        observed
    }
}

#[async_trait]
impl Wrong for MakesInstallationsUpFromGrants {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        if observation == Observation::PermissionsChanged && self.0.installation(id).await.unwrap().is_none()
        {
            let account = account("made-up");
            let alive = Observation::Present { status: Status::Active, account, verified_at: seconds(0) };
            return self.0.observe(id, alive).await.unwrap();
        }
        self.0.observe(id, observation).await.unwrap()
    }
}

#[async_trait]
impl Wrong for CallsGrantsOfTheUnknownGone {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        match self.0.observe(id, observation.clone()).await.unwrap() {
            ObserveOutcome::Outdated if observation == Observation::PermissionsChanged => {
                ObserveOutcome::Gone
            }
            other => other,
        }
    }
}

/// The generation is raised for the dead, too.
#[derive(Debug, Default)]
struct RegrantsTheDead {
    memory: MemoryBindingRepo,
    raised: Mutex<HashMap<InstallationId, u64>>,
}

#[async_trait]
impl Wrong for RegrantsTheDead {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let observed = self.memory.observe(id, observation.clone()).await.unwrap();
        if (observation, observed) == (Observation::PermissionsChanged, ObserveOutcome::Gone) {
            *self.raised.lock().unwrap().entry(id).or_default() += 1;
        }
        observed
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let kept = self.memory.installation(id).await.unwrap()?;
        let raised = self.raised.lock().unwrap().get(&id).copied().unwrap_or_default();
        Some(InstallationRecord { generation: kept.generation + raised, ..kept })
    }

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        let row = self.memory.find(organization).await.unwrap()?;
        let raised = self.raised.lock().unwrap().get(&row.installation).copied().unwrap_or_default();
        Some(Binding { generation: row.generation + raised, ..row })
    }
}

#[async_trait]
impl Wrong for RenamesTheDead {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let kept = self.0.installation(id).await.unwrap()?;
        let renamed = self.0.installer(id).await.unwrap().is_some();
        let account = if renamed { Some(account("renamed")) } else { kept.account.clone() };
        Some(InstallationRecord { account, ..kept })
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let observed = self.0.observe(id, observation.clone()).await.unwrap();
        if let (ObserveOutcome::Gone, Observation::Present { account, verified_at, .. }) =
            (observed, observation)
            && account.login == "renamed"
        {
            // A note that nobody else makes serves as the mark.
            self.0.record_installer(id, account.id, verified_at).await.unwrap();
        }
        observed
    }
}

/// The insert of a binding that is refused leaves a row behind.
#[derive(Debug, Default)]
struct KeepsRowsOfRefusals(MemoryBindingRepo);

#[async_trait]
impl Wrong for KeepsRowsOfRefusals {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> dockline::ports::InsertOutcome {
        let outcome = self.0.insert(new.clone()).await.unwrap();
        if self.0.installation(new.installation).await.unwrap().is_none() {
            let NewBinding { installation, account, last_verified_at: verified_at, .. } = new;
            let news = Observation::Present { status: Status::Active, account, verified_at };
            self.0.observe(installation, news).await.unwrap();
        }
        outcome
    }
}

bites! {
    BindingRepo;
    everything_called_recorded: Repo(CallsEverythingRecorded::default()) =>
        answering::an_older_observation_is_outdated,
        answering::what_is_said_of_an_uninstalled_installation_is_gone_and_changes_nothing,
        answering::what_is_said_of_an_installation_that_was_seen_only_as_gone_is_gone,
        regranting::a_change_of_what_an_unknown_installation_may_reach_is_outdated,
        sweeping::what_did_not_count_as_an_answer_leaves_it_due,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    the_dead_called_outdated: Repo(CallsTheDeadOutdated::default()) =>
        answering::what_is_said_of_an_uninstalled_installation_is_gone_and_changes_nothing,
        regranting::a_change_of_what_an_uninstalled_installation_may_reach_is_gone,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    older_news_of_the_dead_called_outdated: Repo(CallsOlderNewsOfTheDeadOutdated::default()) =>
        answering::what_is_said_of_an_uninstalled_installation_is_gone_and_changes_nothing,
        answering::what_is_said_of_an_installation_that_was_seen_only_as_gone_is_gone;
    a_late_end_called_outdated: Repo(CallsALateEndOutdated::default()) =>
        answering::the_end_is_recorded_whenever_it_is_heard,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    no_news_called_outdated: Repo(CallsNoNewsOutdated::default()) =>
        answering::an_observation_that_counts_is_recorded;
    the_dead_renamed: Repo(RenamesTheDead::default()) =>
        answering::what_is_said_of_an_uninstalled_installation_is_gone_and_changes_nothing;
    new_grants_that_are_forgotten: Repo(ForgetsNewGrants::default()) =>
        regranting::a_change_of_what_it_may_reach_raises_the_generation,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    new_grants_of_the_unbound_that_are_forgotten: Repo(ForgetsGrantsOfTheUnbound::default()) =>
        regranting::a_change_of_what_an_unbound_installation_may_reach_counts_too;
    new_grants_that_are_taken_for_life: Repo(TakesGrantsForLife::default()) =>
        regranting::a_change_of_what_it_may_reach_says_nothing_else,
        sweeping::what_did_not_count_as_an_answer_leaves_it_due;
    installations_that_are_made_up_from_grants: Repo(MakesInstallationsUpFromGrants::default()) =>
        regranting::a_change_of_what_an_unknown_installation_may_reach_is_outdated,
        knowing::nothing_is_known_of_an_installation_that_nobody_told_of;
    grants_of_the_unknown_called_gone: Repo(CallsGrantsOfTheUnknownGone::default()) =>
        regranting::a_change_of_what_an_unknown_installation_may_reach_is_outdated;
    new_grants_of_the_dead: Repo(RegrantsTheDead::default()) =>
        regranting::a_change_of_what_an_uninstalled_installation_may_reach_is_gone;
    rows_of_refused_inserts: Repo(KeepsRowsOfRefusals::default()) =>
        knowing::a_refused_insert_makes_nothing_known;
}
