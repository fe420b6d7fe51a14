//! Random sequences against a reference that keeps nothing but a log, and reads every answer off the whole of it
//! (I1, I7, I29).

use dockline::ports::{BindingRepo, Insertion, Observation, Release};
use dockline::{Binding, InstallationId, NewBinding, OrganizationId, Status};
use dockline_memory::MemoryBindingRepo;
use pollster::block_on;
use time::{Duration, OffsetDateTime};

use crate::fixtures::{NOON, account, installation, new_binding, organization};

const SEQUENCES: u64 = 1_000;
const STEPS: usize = 60;
const ORGANIZATIONS: [&str; 3] = ["org_a", "org_b", "org_c"];
const INSTALLATIONS: [u64; 4] = [1, 2, 3, 4];
const STATES: [&str; 5] = ["s1", "s2", "s3", "s4", "s5"];
const LOGINS: [&str; 2] = ["acme-coffee", "renamed"];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let bound = u64::try_from(choices.len()).unwrap();
        *choices.get(usize::try_from(self.below(bound)).unwrap()).unwrap()
    }

    /// Within few seconds, so that times meet, and with nanoseconds, which nobody keeps.
    fn time(&mut self) -> OffsetDateTime {
        NOON + Duration::seconds(self.below(12).cast_signed())
            + Duration::nanoseconds(self.below(3_000).cast_signed())
    }
}

fn kept(time: OffsetDateTime) -> OffsetDateTime {
    let nanoseconds = (time - NOON).whole_nanoseconds();
    NOON + Duration::microseconds(i64::try_from(nanoseconds / 1_000).unwrap())
}

#[derive(Debug, Clone)]
enum Line {
    Said(InstallationId, Observation),
    Bound(NewBinding),
    Released(OrganizationId, InstallationId),
}

/// What the log says of one installation.
#[derive(Default, Clone)]
struct Facts {
    known: Option<(Status, dockline::Account, OffsetDateTime, u64)>,
    gone: bool,
}

impl Facts {
    fn hear(&mut self, observation: &Observation) {
        match (observation, &mut self.known) {
            (Observation::Uninstalled { .. }, None) => self.gone = true,
            (Observation::Uninstalled { verified_at }, Some((status, _, at, generation))) => {
                *at = kept(*verified_at).max(*at);
                *generation += u64::from(!self.gone);
                *status = Status::Uninstalled;
                self.gone = true;
            }
            (Observation::Present { .. }, None) if self.gone => {}
            (Observation::Present { status, account, verified_at }, None) => {
                self.known = Some((*status, account.clone(), kept(*verified_at), 1));
            }
            (Observation::Present { status: new, account: on, verified_at }, Some(known)) => {
                let (status, account, at, generation) = known;
                if kept(*verified_at) >= *at {
                    let new = if self.gone { Status::Uninstalled } else { *new };
                    *generation += u64::from(new != *status || on != account);
                    (*status, *account, *at) = (new, on.clone(), kept(*verified_at));
                }
            }
        }
    }
}

#[derive(Default)]
struct Model(Vec<Line>);

impl Model {
    fn facts(&self, id: InstallationId) -> Facts {
        let mut facts = Facts::default();
        for line in &self.0 {
            match line {
                Line::Said(said, observation) if *said == id => facts.hear(observation),
                Line::Bound(new) if new.installation == id => facts.hear(&Observation::Present {
                    status: new.status,
                    account: new.account.clone(),
                    verified_at: new.last_verified_at,
                }),
                Line::Released(_, released) if *released == id => {
                    facts.known.as_mut().unwrap().3 += 1;
                }
                Line::Said(..) | Line::Bound(_) | Line::Released(..) => {}
            }
        }
        facts
    }

    /// The grants that no later release of the same pair ended.
    fn live(&self) -> Vec<Binding> {
        let mut live: Vec<&NewBinding> = Vec::new();
        for line in &self.0 {
            match line {
                Line::Bound(new) => live.push(new),
                Line::Released(organization, id) => {
                    live.retain(|new| (&new.organization, &new.installation) != (organization, id));
                }
                Line::Said(..) => {}
            }
        }
        live.into_iter().map(|new| self.row(new)).collect()
    }

    fn row(&self, new: &NewBinding) -> Binding {
        let (status, account, last_verified_at, generation) = self.facts(new.installation).known.unwrap();
        Binding {
            organization: new.organization.clone(),
            installation: new.installation,
            account,
            status,
            proof: new.proof,
            proven_by: new.proven_by,
            registered_at: kept(new.registered_at),
            last_verified_at,
            generation,
        }
    }

    fn insert(&mut self, new: NewBinding) -> Insertion {
        let live = self.live();
        let has_spent = |line: &Line| match line {
            Line::Bound(old) => (&old.organization, old.spent) == (&new.organization, new.spent),
            Line::Said(..) | Line::Released(..) => false,
        };
        if let Some(row) = live.iter().find(|row| row.organization == new.organization) {
            Insertion::Occupied(row.clone())
        } else if live.iter().any(|row| row.installation == new.installation) {
            Insertion::Taken
        } else if self.facts(new.installation).gone {
            Insertion::Gone
        } else if self.0.iter().any(has_spent) {
            Insertion::Spent
        } else {
            self.0.push(Line::Bound(new.clone()));
            Insertion::Inserted(self.row(&new))
        }
    }

    fn release(&mut self, name: OrganizationId, id: InstallationId) -> Release {
        match self.live().into_iter().find(|row| (&row.organization, row.installation) == (&name, id)) {
            None => Release::NothingBound,
            Some(row) => {
                self.0.push(Line::Released(name, id));
                Release::Released(row)
            }
        }
    }
}

fn step(random: &mut Random, repo: &MemoryBindingRepo, model: &mut Model) -> &'static str {
    let id = installation(random.one_of(&INSTALLATIONS));
    let name = random.one_of(&ORGANIZATIONS);
    let status = random.one_of(&[Status::Active, Status::Suspended]);
    let account = account(random.one_of(&LOGINS));
    let time = random.time();
    match random.below(20) {
        0 => {
            let observation = Observation::Uninstalled { verified_at: time };
            block_on(repo.observe(id, observation.clone())).unwrap();
            model.0.push(Line::Said(id, observation));
            "ended"
        }
        1..5 => {
            let observation = Observation::Present { status, account, verified_at: time };
            block_on(repo.observe(id, observation.clone())).unwrap();
            model.0.push(Line::Said(id, observation));
            "observed"
        }
        5..9 => {
            let released = block_on(repo.release(&organization(name), id, time)).unwrap();
            assert_eq!(released, model.release(organization(name), id));
            if released == Release::NothingBound { "not released" } else { "released" }
        }
        _ => {
            let new = NewBinding {
                account,
                status,
                last_verified_at: time,
                registered_at: random.time(),
                ..new_binding(name, id.get(), random.one_of(&STATES))
            };
            let insertion = block_on(repo.insert(new.clone())).unwrap();
            assert_eq!(insertion, model.insert(new));
            match insertion {
                Insertion::Inserted(_) => "inserted",
                Insertion::Occupied(_) => "occupied",
                Insertion::Taken => "taken",
                Insertion::Spent => "spent",
                Insertion::Gone => "gone",
            }
        }
    }
}

fn compare(repo: &MemoryBindingRepo, model: &Model) {
    let live = model.live();
    for name in ORGANIZATIONS.map(organization) {
        let expected: Vec<_> = live.iter().filter(|row| row.organization == name).collect();
        assert!(expected.len() <= 1, "I1: {expected:?}");
        assert_eq!(block_on(repo.find(&name)).unwrap().as_ref(), expected.first().copied());
    }
    for id in INSTALLATIONS.map(installation) {
        let expected: Vec<_> = live.iter().filter(|row| row.installation == id).collect();
        assert!(expected.len() <= 1, "I1: {expected:?}");
        assert_eq!(block_on(repo.find_by_installation(id)).unwrap().as_ref(), expected.first().copied());
        let uninstalled = expected.first().is_none_or(|row| row.status == Status::Uninstalled);
        assert!(uninstalled || !model.facts(id).gone, "I7: {expected:?}");
    }
}

/// `DOCKLINE_SEED` runs one sequence again: the number that the failed run printed.
#[test]
fn the_repository_agrees_with_a_plain_log_on_every_sequence() {
    let only = std::env::var("DOCKLINE_SEED").ok().map(|seed| seed.parse().unwrap());
    let mut seen = std::collections::BTreeMap::<_, usize>::new();
    for seed in only.map_or(0..SEQUENCES, |seed: u64| seed..seed + 1) {
        println!("DOCKLINE_SEED={seed}"); // the last one that is printed is the one that failed
        let (repo, mut model, mut random) = (MemoryBindingRepo::new(), Model::default(), Random(seed));
        for _ in 0..STEPS {
            *seen.entry(step(&mut random, &repo, &mut model)).or_default() += 1;
            compare(&repo, &model);
        }
    }
    println!("{seen:?}");
    // A generator that never gets somewhere would prove nothing about it.
    assert!(only.is_some() || (seen.len() == 9 && seen.values().all(|&times| times > 200)), "{seen:?}");
}
