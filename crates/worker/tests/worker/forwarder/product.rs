//! A scripted product that receives messages.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use dockline::OutboxMessage;
use dockline::ports::MessageSender;
use dockline::rules::outbox::AttemptOutcome;
use tokio::time::{Instant, sleep};

/// What the product does with the messages of an organization.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    Status(u16),
    /// 200, after this time.
    After(Duration),
    Never,
    Panic,
}

/// A message that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) organization: String,
    pub(crate) sequence: u64,
    /// Since the start.
    pub(crate) at: Duration,
}

#[derive(Debug)]
pub(crate) struct Product {
    started: Instant,
    answers: Mutex<HashMap<String, Answer>>,
    received: Mutex<Vec<Received>>,
    /// The bytes of the bodies that are being received, and the most so far.
    held: Mutex<(usize, usize)>,
}

impl Product {
    /// A product that accepts everything at once.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            answers: Mutex::default(),
            received: Mutex::default(),
            held: Mutex::default(),
        }
    }

    pub(crate) fn answer(&self, organization: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(organization.to_owned(), answer);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Returns sequence and whole seconds since the start of all attempts of an organization.
    pub(crate) fn attempts(&self, organization: &str) -> Vec<(u64, u64)> {
        let received = self.received();
        let own = received.iter().filter(|received| received.organization == organization);
        own.map(|received| (received.sequence, received.at.as_secs())).collect()
    }

    /// Waits until there were this many attempts.
    pub(crate) async fn until_received(&self, attempts: usize) {
        while self.received.lock().unwrap().len() < attempts {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Returns the most bytes that were held at a time.
    pub(crate) fn most_held(&self) -> usize {
        self.held.lock().unwrap().1
    }
}

#[async_trait]
impl MessageSender for Product {
    async fn send(&self, message: OutboxMessage) -> AttemptOutcome {
        let organization = message.entry.organization.unwrap().to_string();
        let answer = self.answers.lock().unwrap().get(&organization).copied();
        let (sequence, at) = (message.entry.sequence, self.started.elapsed());
        self.received.lock().unwrap().push(Received { organization, sequence, at });
        let _held = Held::new(self, message.body.len());
        let answered = |status| AttemptOutcome::Answered { status, retry_after: None };
        match answer.unwrap_or(Answer::Status(200)) {
            Answer::Status(status) => answered(status),
            Answer::After(time) => {
                sleep(time).await;
                answered(200)
            }
            Answer::Never => pending().await,
            Answer::Panic => panic!("a sender with a bug"),
        }
    }
}

struct Held<'a>(&'a Product, usize);

impl<'a> Held<'a> {
    fn new(product: &'a Product, bytes: usize) -> Self {
        let mut held = product.held.lock().unwrap();
        held.0 += bytes;
        held.1 = held.1.max(held.0);
        Self(product, bytes)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.lock().unwrap().0 -= self.1;
    }
}
