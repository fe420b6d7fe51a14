//! Random sequences of calls, compared with a reference that keeps only a log.

use std::ops::Range;

use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReleaseOutcome,
};
use dockline::{Account, InstallationId, NewBinding, OrganizationId, Status};
use fastrand::Rng;
use time::{Duration, OffsetDateTime};

use super::reference::Reference;
use super::{NOON, account, installation, installer_record, new_binding, organization};
use crate::random::{Reached, SeedOnFailure, seeds};
use crate::runner::cases;

const STEPS: usize = 72;
/// Compares the whole repository after this many steps, since a database takes time for each comparison.
const COMPARED_AFTER: usize = 4;
const ORGANIZATIONS: [&str; 3] = ["a", "b", "c"];
const INSTALLATIONS: [u64; 4] = [1, 2, 3, 4];
const STATES: [&str; 5] = ["s1", "s2", "s3", "s4", "s5"];
const LOGINS: [&str; 2] = ["acme-coffee", "renamed"];
const INSTALLERS: [u64; 3] = [77, 78, 79];
/// All times of a sequence lie within this many seconds.
const SECONDS: i64 = 12;
/// The number of different outcomes of a step.
const OUTCOMES: usize = 17;

cases!(
    use __binding_repo_sequences as list;

    /// Every outcome and every row of random sequences equals the reference's (I29). An organization never has two
    /// bindings, nor an installation two organizations (I1), and an uninstalled installation never becomes active (I7).
    pub async fn random_sequences_agree_with_the_reference(repo: &dyn BindingRepo) {
        check_sequences(repo, seeds()).await;
    }
);

/// Runs [`random_sequences_agree_with_the_reference`] for other seeds.
///
/// Each sequence has its own organizations and installations, so one repository serves all of them.
pub async fn check_sequences(repo: &dyn BindingRepo, seeds: Range<u64>) {
    let sequences = seeds.end - seeds.start;
    let mut reached = Reached::default();
    for seed in seeds {
        let _seed = SeedOnFailure(seed);
        let mut sequence = Sequence { seed, random: Rng::with_seed(seed), reference: Reference::default() };
        for step in 1..=STEPS {
            reached.count(sequence.step(repo).await);
            if step % COMPARED_AFTER == 0 {
                sequence.compare(repo).await;
            }
        }
        sequence.compare_stale(repo).await;
    }
    reached.assert_all(OUTCOMES, sequences);
}

struct Sequence {
    seed: u64,
    random: Rng,
    reference: Reference,
}

impl Sequence {
    fn organization(&self, name: &str) -> OrganizationId {
        organization(&format!("org_{}_{name}", self.seed))
    }

    fn installation(&self, number: u64) -> InstallationId {
        installation(self.seed * 10 + number)
    }

    /// The start of the sequence's own minute, which separates its stale installations from those of other sequences.
    fn minute(&self) -> OffsetDateTime {
        NOON + Duration::minutes(i64::try_from(self.seed % 100_000).unwrap())
    }

    /// A time within few seconds, so that times collide, with nanoseconds, which are to be truncated.
    fn time(&mut self) -> OffsetDateTime {
        self.minute()
            + Duration::seconds(self.random.i64(0..SECONDS))
            + Duration::nanoseconds(self.random.i64(0..3_000))
    }

    async fn step(&mut self, repo: &dyn BindingRepo) -> &'static str {
        let id = self.random.choice(INSTALLATIONS).map(|number| self.installation(number)).unwrap();
        let organization = self.random.choice(ORGANIZATIONS).map(|name| self.organization(name)).unwrap();
        let status = if self.random.bool() { Status::Active } else { Status::Suspended };
        let account = account(self.random.choice(LOGINS).unwrap());
        let verified_at = self.time();
        match self.random.u32(..40) {
            0 => self.uninstall(repo, id, account, verified_at).await,
            1..9 => {
                let observation = Observation::Present { status, account, verified_at };
                match self.observe(repo, id, observation).await {
                    ObserveOutcome::Recorded => "recorded",
                    ObserveOutcome::Outdated => "outdated",
                    ObserveOutcome::Gone => "observed after uninstallation",
                }
            }
            9..13 => match self.observe(repo, id, Observation::PermissionsChanged).await {
                ObserveOutcome::Recorded => "permissions recorded",
                ObserveOutcome::Outdated => "permissions of an unknown installation",
                ObserveOutcome::Gone => "permissions after uninstallation",
            },
            13 | 14 => {
                let installer = installer_record(self.random.choice(INSTALLERS).unwrap());
                repo.record_installer(id, installer, verified_at).await.unwrap();
                self.reference.record_installer(id, installer);
                "installer"
            }
            15..18 => self.stale(repo).await,
            18..25 => {
                let released = repo.release(&organization, id, verified_at).await.unwrap();
                assert_eq!(released, self.reference.release(organization, id));
                if released == ReleaseOutcome::NothingBound { "not released" } else { "released" }
            }
            _ => {
                let registered_at = self.time();
                let new = new_binding(organization.as_str(), id.get(), self.random.choice(STATES).unwrap());
                let new = NewBinding { account, status, last_verified_at: verified_at, registered_at, ..new };
                let insertion = repo.insert(new.clone()).await.unwrap();
                assert_eq!(insertion, self.reference.insert(new));
                match insertion {
                    InsertOutcome::Inserted(_) => "inserted",
                    InsertOutcome::Occupied(_) => "occupied",
                    InsertOutcome::Taken => "taken",
                    InsertOutcome::Spent => "spent",
                    InsertOutcome::Gone => "gone",
                }
            }
        }
    }

    /// Observes the uninstallation in one of its two forms.
    async fn uninstall(
        &mut self,
        repo: &dyn BindingRepo,
        id: InstallationId,
        account: Account,
        verified_at: OffsetDateTime,
    ) -> &'static str {
        let observation = match self.random.u32(..4) {
            0 => Observation::Present { status: Status::Uninstalled, account, verified_at },
            _ => Observation::Uninstalled { verified_at },
        };
        assert_eq!(self.observe(repo, id, observation).await, ObserveOutcome::Recorded);
        "uninstalled"
    }

    async fn observe(
        &mut self,
        repo: &dyn BindingRepo,
        id: InstallationId,
        observation: Observation,
    ) -> ObserveOutcome {
        let outcome = repo.observe(id, observation.clone()).await.unwrap();
        assert_eq!(outcome, self.reference.observe(id, observation));
        outcome
    }

    /// Compares a page after a cursor somewhere in the sequence's minute.
    async fn stale(&mut self, repo: &dyn BindingRepo) -> &'static str {
        let before = self.time() + Duration::seconds(4);
        let verified_at = self.time() - Duration::seconds(6);
        let installation = self.random.choice(INSTALLATIONS).map(|number| self.installation(number)).unwrap();
        let after = ReconcileCursor { verified_at, installation };
        let limit = self.random.u32(..4);
        let page = repo.stale(before, Some(after), limit).await.unwrap();
        assert_eq!(page, self.reference.stale(before, Some(after), limit));
        if page.is_empty() { "nothing stale" } else { "stale" }
    }

    async fn compare(&self, repo: &dyn BindingRepo) {
        let live = self.reference.live();
        for organization in ORGANIZATIONS.map(|name| self.organization(name)) {
            let expected: Vec<_> = live.iter().filter(|row| row.organization == organization).collect();
            assert!(expected.len() <= 1, "two bindings of an organization: {expected:?}");
            assert_eq!(repo.find(&organization).await.unwrap().as_ref(), expected.first().copied());
        }
        for id in INSTALLATIONS.map(|number| self.installation(number)) {
            let expected: Vec<_> = live.iter().filter(|row| row.installation == id).collect();
            assert!(expected.len() <= 1, "two organizations of an installation: {expected:?}");
            let inactive = expected.first().is_none_or(|row| row.status == Status::Uninstalled);
            assert!(inactive || !self.reference.is_uninstalled(id), "active again: {expected:?}");
            assert_eq!(repo.installation(id).await.unwrap(), self.reference.installation(id));
            assert_eq!(repo.installer(id).await.unwrap(), self.reference.installer(id));
        }
    }

    /// Compares all stale installations of the sequence, among those of other sequences.
    async fn compare_stale(&self, repo: &dyn BindingRepo) {
        let before = self.minute() + Duration::minutes(1);
        let mut stale = repo.stale(before, None, u32::MAX).await.unwrap();
        stale.retain(|stale| stale.verified_at >= self.minute());
        assert_eq!(stale, self.reference.stale(before, None, u32::MAX));
    }
}
