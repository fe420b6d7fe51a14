//! The forwarder, on a scripted outbox and a scripted product.

mod backlog;
mod isolation;
mod node;
mod order;
mod outbox;
mod product;

use std::sync::Arc;
use std::time::Duration;

use dockline::ports::Clock;
use dockline_memory::MemoryBindingRepo;
use dockline_worker::{ForwardOptions, Worker};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::github;
use crate::scene::dockline;
use outbox::{RunningClock, Scripted};
use product::Product;

const SMALL: usize = 1_000;

struct Scene {
    outbox: Arc<Scripted>,
    product: Arc<Product>,
    clock: Arc<RunningClock>,
}

/// A node with a worker that forwards.
struct Node {
    worker: JoinHandle<usize>,
    shutdown: oneshot::Sender<Duration>,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(RunningClock::new());
        Self { outbox: Arc::new(Scripted::default()), product: Arc::new(Product::new()), clock }
    }

    fn add(&self, organization: &str, messages: usize) {
        for _ in 0..messages {
            self.outbox.add(organization, SMALL, self.clock.now());
        }
    }

    fn start(&self) -> Node {
        self.start_with(ForwardOptions::default())
    }

    fn start_with(&self, options: ForwardOptions) -> Node {
        let (dockline, _) =
            dockline(Arc::new(github::Scripted::new(&[])), Arc::new(MemoryBindingRepo::new()));
        let worker = Worker::builder(dockline)
            .with_clock(self.clock.clone())
            .with_forwarder(self.outbox.clone(), self.product.clone(), options)
            .build();
        let (shutdown, stopped) = oneshot::channel();
        Node { worker: tokio::spawn(worker.run_until(async { stopped.await.unwrap() })), shutdown }
    }
}

impl Node {
    /// Shuts down, and returns how long that took.
    async fn shut_down(self, drain_timeout: Duration) -> Duration {
        let started = Instant::now();
        self.shutdown.send(drain_timeout).unwrap();
        self.worker.await.unwrap();
        started.elapsed()
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
