//! Many deliveries and events, while the product, the node and PostgreSQL fail.

mod load;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::load::{Scale, connect, push};
use super::figures::Delays;
use super::product::{Answer, Message};
use super::scene::{Scene, assert_in_order};
use crate::api::Backend;
use crate::cluster::{OwnCluster, recovered, restart_at_once};
use crate::schema::TestSchema;
use crate::server::Server;

/// Organizations whose repositories get pushes.
const PUSHED: usize = 8;

/// Those of them whose messages the product takes a tenth of a second for.
const SLOW: usize = 4;

/// Organizations that connect and detach, which are two events.
const CONNECTING: usize = 4;

/// How long the node is down after a kill.
const NODE_DOWN: Duration = Duration::from_secs(1);

struct Campaign {
    scale: Scale,
    scene: Scene,
    listen: String,
    sent: Arc<AtomicUsize>,
}

impl Campaign {
    /// Waits until this share of the pushes was sent.
    async fn until_sent(&self, percent: usize) {
        while self.sent.load(Ordering::Relaxed) * 100 < self.scale.deliveries * percent {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the leases that a crash left, unless they end with their time.
    async fn after_crash(&self) {
        if !self.scale.is_patient {
            self.scene.expire_leases().await;
        }
    }

    async fn kill(&self, server: Server) -> Server {
        server.kill();
        sleep(NODE_DOWN).await;
        self.after_crash().await;
        self.scene.node_at(&self.listen, self.scale.node_options())
    }

    /// Stops the product, kills the node, crashes PostgreSQL, and kills the node again, in the middle of the load.
    async fn disturb(&mut self, mut server: Server) -> Server {
        self.until_sent(15).await;
        self.scene.product.stop().await;
        sleep(self.scale.product_down).await;
        self.scene.product.start_again().await;
        self.until_sent(55).await;
        server = self.kill(server).await;
        self.until_sent(70).await;
        restart_at_once(&self.scene.schema).await;
        recovered(&self.scene.schema).await;
        self.after_crash().await;
        self.until_sent(85).await;
        self.kill(server).await
    }

    /// Returns the ids of the messages of all pushes, by organization in the order of GitHub's attempts, with whether the
    /// first attempt succeeded.
    fn pushes(&self, organizations: &HashMap<u64, String>) -> BTreeMap<String, Vec<(String, bool)>> {
        let mut pushes: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
        for delivery in self.scene.github.sim.sim().deliveries() {
            if delivery.event == "push" && !delivery.redelivery {
                let organization = organizations[&delivery.installation_id.unwrap()].clone();
                let id = format!("gh_{}_{}", delivery.app_id, delivery.guid);
                let succeeded = delivery.outcome.is_some_and(|outcome| outcome.succeeded());
                pushes.entry(organization).or_default().push((id, succeeded));
            }
        }
        pushes
    }
}

/// Fails unless each message was the same one in every attempt, and each push is one message.
fn assert_same_in_every_attempt(messages: &[Message]) {
    let mut by_id: HashMap<&str, &Message> = HashMap::new();
    let mut by_number: HashMap<u64, &str> = HashMap::new();
    for message in messages {
        let first = by_id.entry(message.text("id")).or_insert(message);
        assert_eq!(
            (&first.body, message.headers["webhook-id"].to_str().unwrap()),
            (&message.body, message.text("id"))
        );
        if let Some(number) = message.envelope["payload"]["number"].as_u64() {
            assert_eq!(
                *by_number.entry(number).or_insert(message.text("id")),
                message.text("id"),
                "push {number}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_arrives_in_order_and_once_by_its_id_whatever_fails_i37_i38() {
    let scale = Scale::of_environment();
    let cluster = OwnCluster::start();
    let schema = TestSchema::of(cluster.url());
    // The test cluster turns this off; PostgreSQL's default is on.
    schema.execute("alter database postgres set synchronous_commit = on").await;
    schema.migrate().await;
    let scene = Scene::of(schema).await;
    let server = scene.node(scale.node_options());
    let mut organizations = HashMap::new();
    for number in 0..PUSHED {
        let name = format!("org_pushed_{number}");
        organizations.insert(scene.bind(&server, &name).await, name);
    }
    // A kill while the product works leads to a duplicate.
    for name in organizations.values().take(SLOW) {
        scene.product.answer(name, Answer::Slowly(Duration::from_millis(100)));
    }
    let mut installations: Vec<_> = organizations.keys().copied().collect();
    installations.sort_unstable();
    let connecting: Vec<_> = (0..CONNECTING).map(|number| format!("org_connecting_{number}")).collect();
    let connecting_at: Vec<_> =
        connecting.iter().map(|name| scene.github.install(&name.replace('_', "-"))).collect();
    // GitHub's webhooks about the installations themselves are not counted.
    scene.set_webhook(&server);
    let sim = scene.github.sim.sim().clone();
    sim.settled().await;
    // Failures that are old enough for the redeliverer.
    sim.set_clock_offset(if scale.is_patient { 0 } else { -600 });

    let started = Instant::now();
    let mut load = JoinSet::new();
    for (name, installation) in connecting.iter().zip(connecting_at) {
        let backend = Backend::new(scene.schema.key(name).await);
        let pause = scale.load_takes() / u32::try_from(scale.cycles).unwrap();
        load.spawn(connect(server.api.clone(), backend, installation, scale.cycles, pause));
    }
    let sent = Arc::new(AtomicUsize::new(0));
    load.spawn(push(sim.clone(), installations, scale, Arc::clone(&sent)));
    let listen = server.api.strip_prefix("http://").unwrap().to_owned();
    let mut campaign = Campaign { scale, scene, listen, sent };
    let mut server = campaign.disturb(server).await;
    while let Some(ended) = load.join_next().await {
        ended.unwrap();
    }
    sim.settled().await;
    let load_took = started.elapsed();
    let failed =
        sim.deliveries().iter().filter(|delivery| !delivery.outcome.as_ref().unwrap().succeeded()).count();
    let Campaign { scale, scene, listen, .. } = &campaign;
    if !scale.is_patient {
        sim.set_clock_offset(0);
        assert_eq!(server.end(), Some(0));
        server = scene.node_at(listen, &["--redeliver-every", "1s"]);
    }
    // One event of each binding, and the ping of the App.
    let events = PUSHED + 2 * CONNECTING * scale.cycles;
    let limit = if scale.is_patient { Duration::from_secs(1_200) } else { Duration::from_secs(120) };
    scene.product.until_different(scale.deliveries + events + 1, limit).await;
    let took = started.elapsed();
    sim.settled().await;

    let messages = scene.product.messages();
    assert_same_in_every_attempt(&messages);
    let accepted = messages.iter().filter(|message| message.accepted).count();
    let (mut different, mut delays, mut out_of_order, mut of_events) = (1, Vec::new(), 0, 0);
    let pushes = campaign.pushes(&organizations);
    for name in organizations.values().chain(&connecting) {
        let own = scene.product.accepted(name);
        let sequences: Vec<_> = own.iter().map(Message::sequence).collect();
        out_of_order += sequences.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert_in_order(&own);
        assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<_>>(), "{name}");
        let position: HashMap<_, _> =
            own.iter().zip(0..).map(|(message, at)| (message.text("id"), at)).collect();
        // All arrived. Those that GitHub sent once are in the order in which it sent them.
        let sent = pushes.get(name).map_or(&[][..], Vec::as_slice);
        let at: Vec<(i32, bool)> = sent.iter().map(|(id, once)| (position[id.as_str()], *once)).collect();
        assert!(at.iter().filter(|(_, once)| *once).map(|(at, _)| at).is_sorted(), "{name}");
        let events: Vec<_> = own.iter().filter(|message| message.text("type") != "push").collect();
        for (number, event) in events.iter().enumerate() {
            let expected = ["installation.registered", "installation.detached"][number % 2];
            assert_eq!(event.text("type"), expected, "{name}");
        }
        assert_eq!(sent.len() + events.len(), own.len(), "{name}");
        of_events += events.len();
        different += own.len();
        delays.extend(own.iter().map(Message::delay));
    }
    let ids: BTreeSet<_> = messages.iter().map(|message| message.text("id")).collect();
    assert_eq!((different, ids.len()), (scale.deliveries + events + 1, different), "nothing else arrives");
    assert_eq!(of_events, events);
    let open = "select count(*) from $schema.outbox_entries where status <> 'done'";
    // The product's last answers may be under way.
    while scene.schema.number(open).await > 0 {
        assert!(started.elapsed() < limit, "messages stay in the outbox");
        sleep(Duration::from_millis(50)).await;
    }
    let redelivered = sim.deliveries().iter().filter(|delivery| delivery.redelivery).count();
    println!(
        "{} deliveries and {events} events of {} organizations in {load_took:.1?}, of which GitHub logged {failed} as failed; \
         product down {:?}, node killed twice, PostgreSQL crashed once\n\
         received {different} different messages, {} duplicates before deduplication by id, {out_of_order} out of order, \
         {redelivered} redelivered by GitHub\n\
         delay from the receipt to the acceptance: {}; all within {took:.1?}",
        scale.deliveries,
        PUSHED + CONNECTING,
        scale.product_down,
        accepted - different,
        Delays::of(delays),
    );
    assert!(failed > 0, "no delivery noticed a kill");
    assert_eq!(server.end(), Some(0));
}
