//! Wrong memories of who installed what.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, Observation};
use dockline::{AccountId, InstallationId, Status};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{installers, knowing, model};
use dockline_testkit::fixtures::account;
use time::OffsetDateTime;

use super::{Repo, Wrong, over_memory};
use crate::bites;

over_memory! {
    /// A column of a row that is not there yet: L-28.
    NotesOnlyWhatIsKnown,
    /// And goes with the row's life.
    ForgetsAtTheEnd,
    /// L-29: a note makes an installation known.
    MakesItKnown,
    /// L-63
    HasNarrowColumns,
    /// Whoever showed the proof must have installed it.
    NamesWhoProved
}

#[async_trait]
impl Wrong for NotesOnlyWhatIsKnown {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn record_installer(&self, id: InstallationId, installer: AccountId, noted_at: OffsetDateTime) {
        if self.0.installation(id).await.unwrap().is_some() {
            self.0.record_installer(id, installer, noted_at).await.unwrap();
        }
    }
}

#[async_trait]
impl Wrong for ForgetsAtTheEnd {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn installer(&self, id: InstallationId) -> Option<AccountId> {
        let kept = self.0.installation(id).await.unwrap();
        let installer = self.0.installer(id).await.unwrap();
        installer.filter(|_| kept.is_none_or(|kept| kept.status != Status::Uninstalled))
    }
}

#[async_trait]
impl Wrong for MakesItKnown {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn record_installer(&self, id: InstallationId, installer: AccountId, noted_at: OffsetDateTime) {
        let (status, account) = (Status::Active, account("acme-coffee"));
        let news = Observation::Present { status, account, verified_at: noted_at };
        self.0.observe(id, news).await.unwrap();
        self.0.record_installer(id, installer, noted_at).await.unwrap();
    }
}

#[async_trait]
impl Wrong for HasNarrowColumns {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn installer(&self, id: InstallationId) -> Option<AccountId> {
        let installer = self.0.installer(id).await.unwrap()?;
        AccountId::new(installer.get() & u64::from(u32::MAX) >> 1).ok()
    }
}

#[async_trait]
impl Wrong for NamesWhoProved {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn installer(&self, id: InstallationId) -> Option<AccountId> {
        let noted = self.0.installer(id).await.unwrap();
        let binding = self.0.find_by_installation(id).await.unwrap();
        noted.or(binding.and_then(|binding| binding.proven_by))
    }
}

/// An upsert: whoever says so last.
#[derive(Debug, Default)]
struct LetsTheLastOneStand {
    memory: MemoryBindingRepo,
    last: Mutex<HashMap<InstallationId, AccountId>>,
}

#[async_trait]
impl Wrong for LetsTheLastOneStand {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn record_installer(&self, id: InstallationId, installer: AccountId, _: OffsetDateTime) {
        self.last.lock().unwrap().insert(id, installer);
    }

    async fn installer(&self, id: InstallationId) -> Option<AccountId> {
        self.last.lock().unwrap().get(&id).copied()
    }
}

/// By its time, as facts are judged.
#[derive(Debug, Default)]
struct LetsTheEarliestOneStand {
    memory: MemoryBindingRepo,
    earliest: Mutex<HashMap<InstallationId, (OffsetDateTime, AccountId)>>,
}

#[async_trait]
impl Wrong for LetsTheEarliestOneStand {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn record_installer(&self, id: InstallationId, installer: AccountId, noted_at: OffsetDateTime) {
        let mut earliest = self.earliest.lock().unwrap();
        let kept = earliest.entry(id).or_insert((noted_at, installer));
        if noted_at < kept.0 {
            *kept = (noted_at, installer);
        }
    }

    async fn installer(&self, id: InstallationId) -> Option<AccountId> {
        self.earliest.lock().unwrap().get(&id).map(|(_, installer)| *installer)
    }
}

bites! {
    BindingRepo;
    the_last_installer_stands: Repo(LetsTheLastOneStand::default()) =>
        installers::the_first_installer_stands,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    the_earliest_installer_stands: Repo(LetsTheEarliestOneStand::default()) =>
        installers::the_first_installer_stands;
    installers_only_of_what_is_known: Repo(NotesOnlyWhatIsKnown::default()) =>
        installers::the_installer_that_was_noted_is_found,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    installers_that_are_forgotten_at_the_end: Repo(ForgetsAtTheEnd::default()) =>
        installers::nothing_else_changes_the_installer,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    installers_that_make_installations_known: Repo(MakesItKnown::default()) =>
        installers::a_note_changes_nothing_else,
        knowing::nothing_is_known_of_an_installation_that_nobody_told_of;
    installers_of_32_bits: Repo(HasNarrowColumns::default()) =>
        installers::each_installation_has_an_installer_of_its_own;
    whoever_proved_named_as_installer: Repo(NamesWhoProved::default()) =>
        installers::nobody_is_the_installer_of_what_was_never_noted;
}
