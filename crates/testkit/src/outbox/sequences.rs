//! Random sequences of calls of two nodes, compared with a model.

use std::ops::Range;

use dockline::ports::{DeliveryOutcome, Observation, RetryOutcome};
use dockline::{EntryStatus, Lease, MessageId, Verdict};
use fastrand::Rng;
use time::{Duration, OffsetDateTime};

use super::model::{Consumer, Entry, Model};
use super::{LEASE, Node, OutboxDriver, dead, name, push, retry_later, set_aside};
use crate::fixtures::{installation, seconds};
use crate::random::{Reached, SeedOnFailure, seeds};
use crate::runner::cases;

const STEPS: usize = 90;
/// Compares all queues after this many steps, since a database takes time for each comparison.
const COMPARED_AFTER: usize = 6;
const ORGANIZATIONS: [&str; 2] = ["a", "b"];
const INSTALLATIONS: [u64; 3] = [1, 2, 3];
const GUIDS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
/// The number of different outcomes of a step.
const OUTCOMES: usize = 22;

cases!(
    use __outbox_sequences as list;

    /// In random sequences of two nodes whose consumers crash, every message is read in order until it is settled, none is
    /// lost and none is in two queues (I37, I38).
    pub async fn random_sequences_agree_with_the_model(driver: &dyn OutboxDriver) {
        check_sequences(driver, seeds()).await;
    }
);

/// Runs [`random_sequences_agree_with_the_model`] for other seeds.
///
/// Each sequence has its own organizations and installations and leaves nothing to send, so one store serves all of them.
pub async fn check_sequences(driver: &dyn OutboxDriver, seeds: Range<u64>) {
    let sequences = seeds.end - seeds.start;
    let mut reached = Reached::default();
    for seed in seeds {
        let _seed = SeedOnFailure(seed);
        let nodes = [driver.node(1).await, driver.node(1).await];
        let mut sequence = Sequence {
            seed,
            random: Rng::with_seed(seed),
            now: seconds(0),
            states: seed * 1_000,
            model: Model::default(),
            consumers: [None, None],
            nodes,
        };
        for step in 1..=STEPS {
            reached.count(sequence.step().await);
            if step % COMPARED_AFTER == 0 {
                sequence.compare().await;
            }
        }
        sequence.drain().await;
    }
    reached.assert_all(OUTCOMES, sequences);
}

struct Sequence {
    seed: u64,
    random: Rng,
    now: OffsetDateTime,
    states: u64,
    model: Model,
    /// The lease of the consumer of each node.
    consumers: [Consumer; 2],
    nodes: [Node; 2],
}

impl Sequence {
    fn organization(&mut self) -> String {
        format!("org_{}_{}", self.seed, self.random.choice(ORGANIZATIONS).unwrap())
    }

    fn installation(&mut self) -> u64 {
        self.seed * 10 + self.random.choice(INSTALLATIONS).unwrap()
    }

    async fn step(&mut self) -> &'static str {
        let at = usize::from(self.random.bool());
        let node = self.nodes[at].clone();
        match self.random.u32(..100) {
            0..10 => self.bind(&node).await,
            10..14 => self.release(&node).await,
            14..20 => self.observe(&node).await,
            20..40 => self.store(&node).await,
            40..55 => self.lease(&node, at).await,
            55..76 => self.settle(&node, at).await,
            76..79 => self.end_lease(&node, at).await,
            79..81 => self.renew(&node, at).await,
            81..84 => {
                // The consumer crashes.
                if self.consumers[at].take().is_some() { "crashed" } else { "idle" }
            }
            84..88 => self.retry(&node).await,
            _ => {
                self.now += Duration::seconds(self.random.i64(1..60));
                "time passed"
            }
        }
    }

    async fn bind(&mut self, node: &Node) -> &'static str {
        let (organization, number) = (self.organization(), self.installation());
        if self.model.is_bound(&organization, number) {
            return "already bound";
        }
        self.states += 1;
        node.bind(&organization, number, self.states).await;
        self.model.bind(&organization, number);
        "bound"
    }

    async fn release(&mut self, node: &Node) -> &'static str {
        let number = self.installation();
        let Some(organization) = self.model.release(number) else { return "not bound" };
        node.release(&organization, number).await;
        "released"
    }

    async fn observe(&mut self, node: &Node) -> &'static str {
        let number = self.installation();
        let changed = Observation::PermissionsChanged { at: self.now };
        node.bindings.observe(installation(number), changed).await.unwrap();
        if self.model.change(number) { "changed" } else { "changed unbound" }
    }

    async fn store(&mut self, node: &Node) -> &'static str {
        let number = self.installation();
        let name = format!("{}-{}", self.seed, self.random.choice(GUIDS).unwrap());
        let delivery = super::Push { at: self.now, ..push(number, &name) };
        let outcome = node.store(&delivery).await;
        assert_eq!(outcome, self.model.store(&delivery));
        match outcome {
            DeliveryOutcome::Stored => "stored",
            DeliveryOutcome::Duplicate => "duplicate",
            DeliveryOutcome::Unbound => "unbound",
            DeliveryOutcome::Full { .. } => "full",
        }
    }

    async fn lease(&mut self, node: &Node, at: usize) -> &'static str {
        if self.consumers[at].is_some() {
            return "idle";
        }
        let lease = node.outbox.lease(self.now, self.now + LEASE).await.unwrap();
        match &lease {
            None => assert_eq!(self.model.leasable(self.now), None),
            Some(lease) => self.model.lease(lease, self.now),
        }
        let outcome = if lease.is_some() { "leased" } else { "nothing to lease" };
        self.consumers[at] = lease;
        outcome
    }

    /// Reads, compares, and settles one of the messages.
    async fn settle(&mut self, node: &Node, at: usize) -> &'static str {
        let Some(lease) = self.consumers[at].clone() else { return "idle" };
        let read = node.due(&lease, self.now).await;
        assert_eq!(read, self.model.due(&lease, self.now));
        let next = self.now + Duration::seconds(self.random.i64(1..100));
        let (verdict, outcome) = match self.random.u32(..10) {
            0..6 => (Verdict::Done { at: self.now }, "done"),
            6..8 => (retry_later(self.now, next), "to retry"),
            8 => (set_aside(self.now, next), "set aside"),
            _ => (dead(self.now), "dead"),
        };
        let Some(sequence) = read.first().copied() else {
            // The lease may be lost, and then nothing can be settled with it.
            let sequence = self.random.u64(1..12);
            let is_settled = node.settle(&lease, sequence, verdict.clone()).await;
            assert_eq!(is_settled, self.model.settle(&lease, sequence, &verdict));
            return "nothing to send";
        };
        let is_settled = node.settle(&lease, sequence, verdict.clone()).await;
        assert_eq!(is_settled, self.model.settle(&lease, sequence, &verdict));
        outcome
    }

    async fn end_lease(&mut self, node: &Node, at: usize) -> &'static str {
        let Some(lease) = self.consumers[at].take() else { return "idle" };
        node.release_lease(&lease, self.now).await;
        self.model.end_lease(&lease);
        "lease ended"
    }

    async fn renew(&mut self, node: &Node, at: usize) -> &'static str {
        let Some(lease) = self.consumers[at].clone() else { return "idle" };
        let until = self.now + LEASE;
        let renewed = node.outbox.renew(&lease, until).await.unwrap();
        assert_eq!(renewed, self.model.renew(&lease, until));
        "renewed"
    }

    async fn retry(&mut self, node: &Node) -> &'static str {
        let entries = self.model.entries();
        let Some((id, is_delivered)) = self.random.choice(entries) else { return "idle" };
        let id: MessageId = match id {
            Some(id) => id.parse().unwrap(),
            // The id of a change is the store's own.
            None => return "idle",
        };
        let outcome = node.outbox.retry(&id, self.now).await.unwrap();
        if outcome == RetryOutcome::Queued {
            self.model.retry(id.as_str(), self.now);
        } else {
            assert!(is_delivered && outcome == RetryOutcome::BodyDeleted, "{outcome:?}");
        }
        "sent again"
    }

    async fn compare(&self) {
        for organization in ORGANIZATIONS.map(|name| format!("org_{}_{name}", self.seed)) {
            let entries: Vec<_> = self.nodes[0].entries(&organization).await.iter().map(Entry::of).collect();
            assert_eq!(entries, self.model.queue(&organization), "{organization}");
        }
    }

    /// Delivers everything, and ends all leases.
    async fn drain(&mut self) {
        self.now += Duration::days(1);
        self.consumers = [None, None];
        let node = self.nodes[1].clone();
        loop {
            let lease: Option<Lease> = node.outbox.lease(self.now, self.now + LEASE).await.unwrap();
            let Some(lease) = lease else { break };
            self.model.lease(&lease, self.now);
            let due = node.due(&lease, self.now).await;
            assert_eq!(due, self.model.due(&lease, self.now), "{}", name(lease.organization.as_ref()));
            for sequence in due {
                node.done(&lease, sequence, self.now).await;
                self.model.settle(&lease, sequence, &Verdict::Done { at: self.now });
            }
            node.release_lease(&lease, self.now).await;
            self.model.end_lease(&lease);
        }
        self.compare().await;
        let open = |entry: &Entry| matches!(entry.status, EntryStatus::Waiting | EntryStatus::SetAside);
        assert_eq!(self.model.count(open), 0, "messages are left");
        self.model.release_all();
        for number in INSTALLATIONS.map(|number| self.seed * 10 + number) {
            let record = node.bindings.installation(installation(number)).await.unwrap();
            if let Some(organization) = record.and_then(|record| record.organization) {
                node.release(organization.as_str(), number).await;
            }
        }
        while let Some(lease) = node.outbox.lease(self.now, self.now + LEASE).await.unwrap() {
            for sequence in node.due(&lease, self.now).await {
                node.done(&lease, sequence, self.now).await;
            }
            node.release_lease(&lease, self.now).await;
        }
    }
}
