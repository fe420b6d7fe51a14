//! Whatever happens at GitHub and whichever of its deliveries come, how often, when and in which order: once it was swept,
//! every binding stands as GitHub says, and what was uninstalled never comes back (I7, I22, I23; L-28 to L-35).

use std::collections::BTreeSet;
use std::time::Instant;

use dockline::ports::{Clock, ReconcileCursor};
use dockline::{ClaimPolicy, ReconcileBatch};
use dockline_github_sim::{DeliveryMode, Role};
use dockline_testkit::fastrand::Rng;

use crate::answer::Answer;
use crate::world::{INSTALLATION, Tenant, World, tenant};

const ORDERS: u64 = 1_000;
/// Lives that are lived side by side in one world, and swept together.
const AT_ONCE: u64 = 100;

/// One organization of the product and its account at GitHub.
struct Life {
    seed: u64,
    random: Rng,
    tenant: Tenant,
    login: String,
    owner: String,
    bound: u64,
    /// Numbers that GitHub will never give again.
    dead: BTreeSet<u64>,
    /// Deliveries that may still come.
    under_way: Vec<u64>,
    told: Vec<String>,
}

impl Life {
    async fn begin(world: &World, seed: u64) -> Self {
        let (login, owner) = (format!("org-{seed}"), format!("owner-{seed}"));
        let github = world.github();
        github.create_user(&owner).unwrap();
        github.create_organization(&login).unwrap();
        github.set_membership(&login, &owner, Role::Admin).unwrap();
        let tenant = tenant(&world.keys, &format!("org_{seed}"), "A life", |_| {});
        let (random, dead, under_way, told) = (Rng::with_seed(seed), BTreeSet::new(), vec![], vec![]);
        let mut life = Self { seed, random, tenant, login, owner, bound: 0, dead, under_way, told };
        life.install(world).await;
        life
    }

    async fn install(&mut self, world: &World) {
        self.bound = world.github().install(world.app.app_id, &self.login, &self.owner).unwrap();
        let state = world.fresh_state(&self.tenant).await;
        world.register(&self.tenant, self.bound, &state).await.expect(201);
    }

    async fn step(&mut self, world: &World) {
        let github = world.github();
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
                let login = format!("org-{}-{}", self.seed, self.told.len());
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
                world.delete(&self.tenant, INSTALLATION).await.expect(204);
                self.install(world).await;
                "reinstall"
            }
            (5, Some(_)) => {
                github.add_repository(&self.login, &format!("r{}", self.told.len()), false).unwrap();
                "add repository"
            }
            _ => "nothing",
        };
        self.told.push(happens.to_owned());
    }

    /// Lets some deliveries come: in any order, some twice, some later, and some never.
    async fn post(&mut self, world: &World, all: bool) {
        while !self.under_way.is_empty() && (all || self.random.u32(..3) > 0) {
            let at = self.random.usize(..self.under_way.len());
            let id = match self.random.u32(..10) {
                // Once more, later.
                0 | 1 if !all => self.under_way[at],
                _ => self.under_way.swap_remove(at),
            };
            if self.random.u32(..5) == 0 {
                self.told.push(format!("lost {id}"));
                continue;
            }
            let delivery = world.github().deliver(id).await.unwrap();
            assert_eq!(delivery.outcome.unwrap().status_code, 202, "seed {}", self.seed);
            self.told.push(format!("came {} {:?}", delivery.event, delivery.action));
        }
    }

    async fn assert_true(&self, world: &World, when: &str) {
        let answer = world.get(&self.tenant, INSTALLATION).await.expect(200);
        let (number, status) = (&answer.json["installationId"], answer.json["status"].as_str().unwrap());
        let context = || format!("seed {}, {when}: {:#?}\n{answer:#?}", self.seed, self.told);
        assert_eq!(*number, self.bound, "{}", context());
        match world.github().installation(self.bound) {
            None => assert_eq!(status, "uninstalled", "{}", context()),
            Some(truth) => {
                assert_eq!(status, if truth.suspended { "suspended" } else { "active" }, "{}", context());
                assert_eq!(answer.json["orgLogin"], truth.account_login, "{}", context());
            }
        }
    }
}

impl World {
    /// Hands every delivery that GitHub has made since to the life that it is about.
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
        // What was asked about since then is out of the sweep's way.
        self.clock.advance(time::Duration::SECOND);
        let before = self.clock.now();
        let (mut after, mut asked) = (None::<ReconcileCursor>, 0);
        loop {
            let sweep = ReconcileBatch { before, after, limit: 17, reserve_percent: 0 };
            let swept = self.dockline.reconcile(sweep).await.unwrap();
            assert!(swept.failed.is_empty(), "{swept:?}");
            asked += swept.asked();
            after = swept.next;
            if after.is_none() {
                return asked;
            }
        }
    }
}

async fn lives(seeds: std::ops::Range<u64>) -> (usize, usize) {
    let world = World::with_webhooks(ClaimPolicy::State).await;
    world.settled().await;
    world.github().set_delivery_mode(DeliveryMode::Held);
    let mut lives = Vec::new();
    for seed in seeds {
        lives.push(Life::begin(&world, seed).await);
    }
    let mut handed_out = 0;
    for _ in 0..10 {
        for life in &mut lives {
            life.step(&world).await;
        }
        world.hand_out(&mut lives, &mut handed_out);
        for life in &mut lives {
            life.post(&world, false).await;
        }
        world.clock.advance(time::Duration::milliseconds(7));
    }
    for life in &mut lives {
        life.post(&world, true).await;
    }
    world.refresher.idle().await;
    let swept = world.sweep().await;
    for life in &lives {
        life.assert_true(&world, "swept").await;
    }
    // All that ever was comes once more, from the youngest to the oldest.
    let mut replayed = 0;
    for delivery in world.github().deliveries().into_iter().rev() {
        let delivery = world.github().deliver(delivery.id).await.unwrap();
        assert_eq!(delivery.outcome.unwrap().status_code, 202);
        replayed += 1;
    }
    world.refresher.idle().await;
    for life in &lives {
        life.assert_true(&world, "replayed").await;
        for dead in &life.dead {
            let state = world.fresh_state(&world.rival).await;
            let answer: Answer = world.register(&world.rival, *dead, &state).await;
            answer.expect_error(422, "VALIDATION");
        }
    }
    (swept, replayed)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_sweep_every_binding_stands_as_github_says() {
    let begun = Instant::now();
    let first = std::env::var("DOCKLINE_SEED").map_or(0, |seed| seed.parse().unwrap());
    let (mut swept, mut replayed) = (0, 0);
    for seeds in (first..first + ORDERS).step_by(usize::try_from(AT_ONCE).unwrap()) {
        println!("seeds {seeds} to {}", seeds + AT_ONCE - 1);
        let (more_swept, more_replayed) = lives(seeds..seeds + AT_ONCE).await;
        (swept, replayed) = (swept + more_swept, replayed + more_replayed);
    }
    println!("{ORDERS} lives in {:?}: {swept} swept, {replayed} deliveries replayed", begun.elapsed());
}
