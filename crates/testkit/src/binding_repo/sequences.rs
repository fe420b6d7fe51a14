//! Random sequences of calls, compared with a reference that keeps only a log.

use std::ops::Range;

use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, Observed, ReconcileCursor, ReconcileScope,
    ReleaseOutcome,
};
use dockline::{Change, InstallationId, NewBinding, OrganizationId, Status};
use fastrand::Rng;
use time::{Duration, OffsetDateTime};

use super::reference::Reference;
use super::{NOON, account, actor, installation, installer_record, new_binding, organization};
use crate::random::{Reached, SeedOnFailure, seeds};
use crate::runner::cases;

const STEPS: usize = 108;
/// Compares the whole repository after this many steps, since a database takes time for each comparison.
const COMPARED_AFTER: usize = 4;
const ORGANIZATIONS: [&str; 3] = ["a", "b", "c"];
const INSTALLATIONS: [u64; 4] = [1, 2, 3, 4];
const STATES: [&str; 5] = ["s1", "s2", "s3", "s4", "s5"];
const LOGINS: [&str; 2] = ["acme-coffee", "renamed"];
const INSTALLERS: [u64; 3] = [77, 78, 79];
/// Steps are this far apart in the mean, so that sequences last for some hours.
const STEP: i64 = 3 * 60;
/// Times lie within this many seconds, so that they collide.
const SECONDS: i64 = 12;
/// The number of different outcomes of a step.
const OUTCOMES: usize = 27;

cases!(
    use __binding_repo_sequences as list;

    /// Every outcome and every row of random sequences equals the reference's (I29). An organization never has two
    /// bindings, nor an installation two organizations (I1), and a final end stays one (I7).
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
        let mut sequence =
            Sequence { seed, random: Rng::with_seed(seed), reference: Reference::default(), passed: 0 };
        for step in 1..=STEPS {
            reached.count(sequence.step(repo).await);
            if step % COMPARED_AFTER == 0 {
                sequence.compare(repo).await;
            }
        }
        sequence.compare_due(repo).await;
        sequence.release_all(repo).await;
    }
    reached.assert_all(OUTCOMES, sequences);
}

struct Sequence {
    seed: u64,
    random: Rng,
    reference: Reference,
    /// Seconds since the start of the sequence.
    passed: i64,
}

impl Sequence {
    fn organization(&self, name: &str) -> OrganizationId {
        organization(&format!("org_{}_{name}", self.seed))
    }

    fn installation(&self, number: u64) -> InstallationId {
        installation(self.seed * 10 + number)
    }

    /// The start of the sequence's own day, which separates its installations from those of other sequences.
    fn start(&self) -> OffsetDateTime {
        NOON + Duration::days(40 * i64::try_from(self.seed % 10_000).unwrap())
    }

    /// A time within few seconds, so that times collide, or some minutes before, since observations arrive late; with
    /// nanoseconds, which are to be truncated.
    fn time(&mut self) -> OffsetDateTime {
        let late = if self.random.u32(..3) == 0 { self.random.i64(0..12) } else { 0 };
        self.start() - Duration::minutes(late)
            + Duration::seconds(self.passed)
            + Duration::seconds(self.random.i64(0..SECONDS))
            + Duration::nanoseconds(self.random.i64(0..3_000))
    }

    /// A next look, at one of few times, so that they collide.
    fn next_look(&mut self) -> OffsetDateTime {
        self.start() + Duration::hours(self.random.i64(0..6))
    }

    async fn step(&mut self, repo: &dyn BindingRepo) -> &'static str {
        let id = self.random.choice(INSTALLATIONS).map(|number| self.installation(number)).unwrap();
        let organization = self.random.choice(ORGANIZATIONS).map(|name| self.organization(name)).unwrap();
        let status = if self.random.bool() { Status::Active } else { Status::Suspended };
        let account = account(self.random.choice(LOGINS).unwrap());
        self.passed += self.random.i64(0..2 * STEP);
        let at = self.time();
        match self.random.u32(..60) {
            0 => {
                let end = if self.random.bool() {
                    Observation::Deleted { at }
                } else {
                    Observation::UninstalledByUs { at }
                };
                assert_eq!(self.observe(repo, id, end).await, ObserveOutcome::Recorded);
                "uninstalled"
            }
            1..9 => {
                let next_look_at = self.next_look();
                let observation = Observation::Present { status, account, asked_at: at, next_look_at };
                match self.observe(repo, id, observation).await {
                    ObserveOutcome::Recorded => "recorded",
                    ObserveOutcome::Outdated => "outdated",
                    ObserveOutcome::Ending => "shown while ending",
                    ObserveOutcome::Gone => "observed after the end",
                    ObserveOutcome::Missing | ObserveOutcome::Absent | ObserveOutcome::Held => {
                        unreachable!("a 200 is not a 404")
                    }
                }
            }
            40..56 => match self.observe(repo, id, Observation::Missing { asked_at: at }).await {
                ObserveOutcome::Recorded => "missed again",
                ObserveOutcome::Missing => "missing",
                ObserveOutcome::Absent => "absent",
                ObserveOutcome::Ending => "missed while ending",
                ObserveOutcome::Outdated => "missed before, or unknown",
                ObserveOutcome::Gone => "missed after the end",
                ObserveOutcome::Held => unreachable!("held with {} bindings", INSTALLATIONS.len()),
            },
            56..59 => match self.observe(repo, id, Observation::Ending { at }).await {
                ObserveOutcome::Recorded => "ending",
                ObserveOutcome::Missing
                | ObserveOutcome::Absent
                | ObserveOutcome::Held
                | ObserveOutcome::Ending
                | ObserveOutcome::Outdated
                | ObserveOutcome::Gone => "not ending",
            },
            59 => {
                let to = self.time() + Duration::minutes(70);
                repo.postpone(id, to).await.unwrap();
                self.reference.postpone(id, to);
                "postponed"
            }
            9..13 => match self.observe(repo, id, Observation::PermissionsChanged { at }).await {
                ObserveOutcome::Recorded => "permissions recorded",
                ObserveOutcome::Outdated => "permissions of an unknown installation",
                ObserveOutcome::Missing
                | ObserveOutcome::Absent
                | ObserveOutcome::Held
                | ObserveOutcome::Ending
                | ObserveOutcome::Gone => "permissions after the end",
            },
            13 | 14 => {
                let installer = installer_record(self.random.choice(INSTALLERS).unwrap());
                repo.record_installer(id, installer, at).await.unwrap();
                self.reference.record_installer(id, installer);
                "installer"
            }
            15..18 => self.due(repo).await,
            18..25 => {
                let released = repo.release(&organization, id, &actor(), at).await.unwrap();
                assert_eq!(released, self.reference.release(organization, id));
                if released == ReleaseOutcome::NothingBound { "not released" } else { "released" }
            }
            _ => {
                let registered_at = self.time();
                let next_look_at = self.next_look();
                let new = new_binding(organization.as_str(), id.get(), self.random.choice(STATES).unwrap());
                let new =
                    NewBinding { account, status, last_verified_at: at, next_look_at, registered_at, ..new };
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

    async fn observe(
        &mut self,
        repo: &dyn BindingRepo,
        id: InstallationId,
        observation: Observation,
    ) -> ObserveOutcome {
        let before = self.reference.installation(id);
        let Observed { outcome, change } = repo.observe(id, observation.clone()).await.unwrap();
        assert_eq!(outcome, self.reference.observe(id, observation));
        let after = self.reference.installation(id);
        assert_eq!(change, after.and_then(|after| Change::between(id, before.as_ref(), &after)));
        outcome
    }

    /// Compares a page after a cursor somewhere in the hours around now.
    async fn due(&mut self, repo: &dyn BindingRepo) -> &'static str {
        let before = self.time() + Duration::minutes(self.random.i64(0..90));
        let scope = if self.random.bool() {
            ReconcileScope::Due(before)
        } else {
            ReconcileScope::ObservedBefore(before)
        };
        let next_look_at = self.next_look();
        let installation = self.random.choice(INSTALLATIONS).map(|number| self.installation(number)).unwrap();
        let after = Some(ReconcileCursor { next_look_at, installation }).filter(|_| self.random.bool());
        let limit = self.random.u32(..4);
        let page = repo.due(scope, after, limit).await.unwrap();
        assert_eq!(page, self.reference.due(scope, after, limit));
        if page.is_empty() { "nothing due" } else { "due" }
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
            assert!(inactive || !self.reference.is_final(id), "active again: {expected:?}");
            assert_eq!(repo.installation(id).await.unwrap(), self.reference.installation(id));
            assert_eq!(repo.installer(id).await.unwrap(), self.reference.installer(id));
        }
    }

    /// Compares all due installations of the sequence, among those of other sequences.
    async fn compare_due(&self, repo: &dyn BindingRepo) {
        let scope = ReconcileScope::Due(self.start() + Duration::days(39));
        let mut due = repo.due(scope, None, u32::MAX).await.unwrap();
        due.retain(|due| due.next_look_at >= self.start());
        assert_eq!(due, self.reference.due(scope, None, u32::MAX));
    }

    /// Ends all bindings, so that the missing ones do not count towards the bound of later sequences.
    async fn release_all(&self, repo: &dyn BindingRepo) {
        for row in self.reference.live() {
            let released =
                repo.release(&row.organization, row.installation, &actor(), self.start()).await.unwrap();
            assert!(matches!(released, ReleaseOutcome::Released(_)), "{released:?}");
        }
    }
}
