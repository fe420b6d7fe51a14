//! Random changes at GitHub, with deliveries lost, repeated, late and out of order: after a sweep every binding has GitHub's
//! state, and an uninstalled installation never returns (I7, I22, I23; L-28 to L-35).

use std::collections::BTreeSet;
use std::time::Instant;

use dockline::ports::{Clock, ReconcileScope};
use dockline::{ClaimPolicy, ReconcileBatch};
use dockline_github_sim::{DeliveryMode, Role};
use dockline_testkit::fastrand::Rng;

use crate::fixture::{Fixture, INSTALLATION, Tenant, tenant};
use crate::response::Response;

const ORDERS: u64 = 1_000;
/// Random histories that share one fixture and one sweep.
const AT_ONCE: u64 = 20;

/// An organization of the product and its account at GitHub.
struct Life {
    seed: u64,
    random: Rng,
    tenant: Tenant,
    login: String,
    owner: String,
    bound: u64,
    /// Uninstalled installation ids.
    dead: BTreeSet<u64>,
    /// Deliveries that may still arrive.
    under_way: Vec<u64>,
    history: Vec<String>,
}

impl Life {
    async fn start(fixture: &Fixture, seed: u64) -> Self {
        let (login, owner) = (format!("org-{seed}"), format!("owner-{seed}"));
        let github = fixture.github();
        github.create_user(&owner).unwrap();
        github.create_organization(&login).unwrap();
        github.set_membership(&login, &owner, Role::Admin).unwrap();
        let tenant = tenant(&fixture.keys, &format!("org_{seed}"), "A life", |_| {});
        let (random, dead, under_way, history) = (Rng::with_seed(seed), BTreeSet::new(), vec![], vec![]);
        let mut life = Self { seed, random, tenant, login, owner, bound: 0, dead, under_way, history };
        life.install(fixture).await;
        life
    }

    async fn install(&mut self, fixture: &Fixture) {
        self.bound = fixture.github().install(fixture.app.app_id, &self.login, &self.owner).unwrap();
        let state = fixture.fresh_state(&self.tenant).await;
        fixture.register(&self.tenant, self.bound, &state).await.expect(201);
    }

    async fn step(&mut self, fixture: &Fixture) {
        let github = fixture.github();
        let installed = github.installation(self.bound);
        let happens = match (self.random.u32(..6), &installed) {
            (0 | 1, Some(installation)) if installation.suspended => {
                github.unsuspend(self.bound).unwrap();
                "unsuspend"
            }
            (0 | 1, Some(_)) => {
                let by = Some(&*self.owner).filter(|_| self.random.u32(..4) > 0);
                github.suspend(self.bound, by).unwrap();
                "suspend"
            }
            (2, _) => {
                let login = format!("org-{}-{}", self.seed, self.history.len());
                github.rename(&self.login, &login).unwrap();
                self.login = login;
                "rename"
            }
            (3, Some(_)) => {
                github.uninstall(self.bound).unwrap();
                self.dead.insert(self.bound);
                "uninstall"
            }
            (3 | 4, None) => {
                fixture.delete(&self.tenant, INSTALLATION).await.expect(204);
                self.install(fixture).await;
                "reinstall"
            }
            (5, Some(_)) => {
                github.add_repository(&self.login, &format!("r{}", self.history.len()), false).unwrap();
                "add repository"
            }
            _ => "nothing",
        };
        self.history.push(happens.to_owned());
    }

    /// Delivers some events: in any order, some twice, some later, and some never.
    async fn post(&mut self, fixture: &Fixture, all: bool) {
        while !self.under_way.is_empty() && (all || self.random.u32(..3) > 0) {
            let at = self.random.usize(..self.under_way.len());
            let id = match self.random.u32(..10) {
                // Deliver it once more, later.
                0 | 1 if !all => self.under_way[at],
                _ => self.under_way.swap_remove(at),
            };
            if self.random.u32(..5) == 0 {
                self.history.push(format!("lost {id}"));
                continue;
            }
            let delivery = fixture.github().deliver(id).await.unwrap();
            assert_eq!(delivery.outcome.unwrap().status_code, 202, "seed {}", self.seed);
            self.history.push(format!("came {} {:?}", delivery.event, delivery.action));
        }
    }

    async fn assert_true(&self, fixture: &Fixture, when: &str) {
        let answer = fixture.get(&self.tenant, INSTALLATION).await.expect(200);
        let (number, status) = (&answer.json["installationId"], answer.json["status"].as_str().unwrap());
        let context = || format!("seed {}, {when}: {:#?}\n{answer:#?}", self.seed, self.history);
        assert_eq!(*number, self.bound, "{}", context());
        match fixture.github().installation(self.bound) {
            None => assert_eq!(status, "uninstalled", "{}", context()),
            Some(truth) => {
                assert_eq!(status, if truth.suspended { "suspended" } else { "active" }, "{}", context());
                assert_eq!(answer.json["orgLogin"], truth.account_login, "{}", context());
            }
        }
    }
}

impl Fixture {
    /// Assigns each new delivery of GitHub to the history of its installation.
    fn hand_out(&self, lives: &mut [Life], handed_out: &mut u64) {
        let before = *handed_out;
        for delivery in self.github().deliveries().into_iter().filter(|delivery| delivery.id > before) {
            *handed_out = delivery.id;
            let about = delivery.installation_id;
            let life = lives
                .iter_mut()
                .find(|life| about.is_some_and(|about| life.bound == about || life.dead.contains(&about)));
            if let Some(life) = life {
                life.under_way.push(delivery.id);
            }
        }
    }

    async fn sweep(&self) -> usize {
        // The sweep skips what was refreshed after `before`.
        self.clock.advance(time::Duration::SECOND);
        let before = self.clock.now();
        let scope = ReconcileScope::ObservedBefore(before);
        let (mut after, mut asked) = (None, 0);
        loop {
            let sweep = ReconcileBatch { scope, after, limit: 17, reserve_percent: 0 };
            let swept = self.dockline.reconcile(sweep).await.unwrap();
            assert!(swept.failed.is_empty(), "{swept:?}");
            asked += swept.asked();
            after = swept.next;
            if swept.complete {
                return asked;
            }
        }
    }
}

async fn lives(seeds: std::ops::Range<u64>) -> (usize, usize) {
    let fixture = Fixture::with_webhooks(ClaimPolicy::State).await;
    fixture.settled().await;
    fixture.github().set_delivery_mode(DeliveryMode::Held);
    let mut lives = Vec::new();
    for seed in seeds {
        lives.push(Life::start(&fixture, seed).await);
    }
    let mut handed_out = 0;
    for _ in 0..10 {
        for life in &mut lives {
            life.step(&fixture).await;
        }
        fixture.hand_out(&mut lives, &mut handed_out);
        for life in &mut lives {
            life.post(&fixture, false).await;
        }
        fixture.clock.advance(time::Duration::milliseconds(7));
    }
    for life in &mut lives {
        life.post(&fixture, true).await;
    }
    fixture.refresher.idle().await;
    let mut swept = fixture.sweep().await;
    // An end that no delivery reported is concluded from 404s for an hour.
    for _ in 0..2 {
        fixture.clock.advance(time::Duration::hours(1));
        swept += fixture.sweep().await;
    }
    for life in &lives {
        life.assert_true(&fixture, "swept").await;
    }
    // Every delivery arrives once more, newest first.
    let mut replayed = 0;
    for delivery in fixture.github().deliveries().into_iter().rev() {
        let delivery = fixture.github().deliver(delivery.id).await.unwrap();
        assert_eq!(delivery.outcome.unwrap().status_code, 202);
        replayed += 1;
    }
    fixture.refresher.idle().await;
    for life in &lives {
        life.assert_true(&fixture, "replayed").await;
        for dead in &life.dead {
            let state = fixture.fresh_state(&fixture.rival).await;
            let answer: Response = fixture.register(&fixture.rival, *dead, &state).await;
            answer.expect_error(422, "VALIDATION");
        }
    }
    (swept, replayed)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_sweep_every_binding_stands_as_github_says() {
    let started = Instant::now();
    let first = std::env::var("DOCKLINE_SEED").map_or(0, |seed| seed.parse().unwrap());
    let (mut swept, mut replayed) = (0, 0);
    for seeds in (first..first + ORDERS).step_by(usize::try_from(AT_ONCE).unwrap()) {
        println!("seeds {seeds} to {}", seeds + AT_ONCE - 1);
        let (more_swept, more_replayed) = lives(seeds..seeds + AT_ONCE).await;
        (swept, replayed) = (swept + more_swept, replayed + more_replayed);
    }
    println!("{ORDERS} lives in {:?}: {swept} swept, {replayed} deliveries replayed", started.elapsed());
}
