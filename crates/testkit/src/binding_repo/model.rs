//! Random sequences against a reference that keeps nothing but a log (I1, I7, I29).

use std::collections::BTreeMap;
use std::ops::Range;

use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReleaseOutcome,
};
use dockline::{Account, InstallationId, NewBinding, OrganizationId, Status};
use time::{Duration, OffsetDateTime};

use super::reference::Model;
use super::{NOON, account, account_id, installation, new_binding, organization};
use crate::random::{Random, seeds};

const STEPS: usize = 72;
/// After so many steps all of the repository is looked at; a database answers each look in its own time.
const COMPARED_AFTER: usize = 4;
const ORGANIZATIONS: [&str; 3] = ["a", "b", "c"];
const INSTALLATIONS: [u64; 4] = [1, 2, 3, 4];
const STATES: [&str; 5] = ["s1", "s2", "s3", "s4", "s5"];
const LOGINS: [&str; 2] = ["acme-coffee", "renamed"];
const INSTALLERS: [u64; 3] = [77, 78, 79];
/// The seconds within which all of a sequence happens.
const SPAN: u32 = 12;
/// The ways in which a step can end.
const WAYS: usize = 17;

/// Every answer to every operation of random sequences is the reference's (I29); at no time has an organization two
/// bindings or an installation two organizations (I1), nor does a dead installation look alive (I7).
///
/// Runs [`seeds`]; `DOCKLINE_SEED` runs one sequence again.
pub async fn the_repository_agrees_with_a_plain_log_on_every_sequence(repo: &dyn BindingRepo) {
    agrees_on(repo, seeds()).await;
}

/// The same clause on as many sequences as the caller likes. One repository serves all: each sequence has
/// organizations and installations of its own.
pub async fn agrees_on(repo: &dyn BindingRepo, seeds: Range<u64>) {
    let sequences = usize::try_from(seeds.end - seeds.start).unwrap();
    let mut seen = BTreeMap::<_, usize>::new();
    for seed in seeds {
        println!("DOCKLINE_SEED={seed}"); // the last one that is printed is the one that failed
        let mut sequence = Sequence { seed, random: Random::seeded(seed), model: Model::default() };
        for step in 1..=STEPS {
            *seen.entry(sequence.step(repo).await).or_default() += 1;
            if step % COMPARED_AFTER == 0 {
                sequence.compare(repo).await;
            }
        }
        sequence.compare_due(repo).await;
    }
    println!("{seen:?}");
    // A generator that never gets somewhere would prove nothing about it.
    let reached = seen.len() == WAYS && seen.values().all(|&times| times * 5 > sequences);
    assert!(sequences < 50 || reached, "{seen:?}");
}

struct Sequence {
    seed: u64,
    random: Random,
    model: Model,
}

impl Sequence {
    fn organization(&self, name: &str) -> OrganizationId {
        organization(&format!("org_{}_{name}", self.seed))
    }

    fn installation(&self, number: u64) -> InstallationId {
        installation(self.seed * 10 + number)
    }

    /// Each sequence has a minute of its own: what is due in it is due to it.
    fn minute(&self) -> OffsetDateTime {
        NOON + Duration::minutes(i64::try_from(self.seed % 100_000).unwrap())
    }

    /// Within few seconds, so that times meet, and with nanoseconds, which nobody keeps.
    fn time(&mut self) -> OffsetDateTime {
        self.minute()
            + Duration::seconds(self.random.below(SPAN).into())
            + Duration::nanoseconds(self.random.below(3_000).into())
    }

    async fn step(&mut self, repo: &dyn BindingRepo) -> &'static str {
        let number = self.random.one_of(&INSTALLATIONS);
        let id = self.installation(number);
        let name = self.random.one_of(&ORGANIZATIONS);
        let organization = self.organization(name);
        let status = self.random.one_of(&[Status::Active, Status::Suspended]);
        let account = account(self.random.one_of(&LOGINS));
        let verified_at = self.time();
        match self.random.below(40) {
            0 => self.end(repo, id, account, verified_at).await,
            1..9 => {
                let observation = Observation::Present { status, account, verified_at };
                match self.observe(repo, id, observation).await {
                    ObserveOutcome::Recorded => "learned",
                    ObserveOutcome::Outdated => "outdated",
                    ObserveOutcome::Gone => "of the dead",
                }
            }
            9..13 => match self.observe(repo, id, Observation::PermissionsChanged).await {
                ObserveOutcome::Recorded => "regranted",
                ObserveOutcome::Outdated => "regranted to nobody",
                ObserveOutcome::Gone => "regranted to the dead",
            },
            13 | 14 => {
                let installer = account_id(self.random.one_of(&INSTALLERS));
                repo.record_installer(id, installer, verified_at).await.unwrap();
                self.model.record_installer(id, installer);
                "noted"
            }
            15..18 => self.sweep(repo).await,
            18..25 => {
                let released = repo.release(&organization, id, verified_at).await.unwrap();
                assert_eq!(released, self.model.release(organization, id));
                if released == ReleaseOutcome::NothingBound { "not released" } else { "released" }
            }
            _ => {
                let registered_at = self.time();
                let state = self.random.one_of(&STATES);
                let new = new_binding(organization.as_str(), id.get(), state);
                let new = NewBinding { account, status, last_verified_at: verified_at, registered_at, ..new };
                let insertion = repo.insert(new.clone()).await.unwrap();
                assert_eq!(insertion, self.model.insert(new));
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

    /// The end, in one of the two ways to say it.
    async fn end(
        &mut self,
        repo: &dyn BindingRepo,
        id: InstallationId,
        account: Account,
        verified_at: OffsetDateTime,
    ) -> &'static str {
        let end = match self.random.below(4) {
            0 => Observation::Present { status: Status::Uninstalled, account, verified_at },
            _ => Observation::Uninstalled { verified_at },
        };
        assert_eq!(self.observe(repo, id, end).await, ObserveOutcome::Recorded);
        "ended"
    }

    async fn observe(
        &mut self,
        repo: &dyn BindingRepo,
        id: InstallationId,
        observation: Observation,
    ) -> ObserveOutcome {
        let observed = repo.observe(id, observation.clone()).await.unwrap();
        assert_eq!(observed, self.model.observe(id, observation));
        observed
    }

    /// A page from anywhere in the sequence's minute.
    async fn sweep(&mut self, repo: &dyn BindingRepo) -> &'static str {
        let before = self.time() + Duration::seconds(4);
        let (verified_at, number) = (self.time() - Duration::seconds(6), self.random.one_of(&INSTALLATIONS));
        let after = ReconcileCursor { verified_at, installation: self.installation(number) };
        let limit = self.random.below(4);
        let page = repo.stale(before, Some(after), limit).await.unwrap();
        assert_eq!(page, self.model.stale(before, Some(after), limit));
        if page.is_empty() { "nothing due" } else { "swept" }
    }

    async fn compare(&self, repo: &dyn BindingRepo) {
        let live = self.model.live();
        for name in ORGANIZATIONS.map(|name| self.organization(name)) {
            let expected: Vec<_> = live.iter().filter(|row| row.organization == name).collect();
            assert!(expected.len() <= 1, "I1: {expected:?}");
            assert_eq!(repo.find(&name).await.unwrap().as_ref(), expected.first().copied());
        }
        for id in INSTALLATIONS.map(|number| self.installation(number)) {
            let expected: Vec<_> = live.iter().filter(|row| row.installation == id).collect();
            assert!(expected.len() <= 1, "I1: {expected:?}");
            assert_eq!(repo.find_by_installation(id).await.unwrap().as_ref(), expected.first().copied());
            let uninstalled = expected.first().is_none_or(|row| row.status == Status::Uninstalled);
            assert!(uninstalled || !self.model.is_gone(id), "I7: {expected:?}");
            assert_eq!(repo.installation(id).await.unwrap(), self.model.installation(id));
            assert_eq!(repo.installer(id).await.unwrap(), self.model.installer(id));
        }
    }

    /// All that is due, from the beginning, where other sequences' rows are, too.
    async fn compare_due(&self, repo: &dyn BindingRepo) {
        let before = self.minute() + Duration::minutes(1);
        let mut due = repo.stale(before, None, u32::MAX).await.unwrap();
        due.retain(|due| due.verified_at >= self.minute());
        assert_eq!(due, self.model.stale(before, None, u32::MAX));
    }
}
