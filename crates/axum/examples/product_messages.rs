//! A host whose product gets GitHub's deliveries and the changes of its installations, in order for each organization.
//!
//! The outbox is in memory here; with PostgreSQL it is `dockline_postgres::PgOutbox::open(&app, bounds)`, and any number of
//! nodes may consume it.
//!
//! `--check` performs the flow with a simulated GitHub, and exits with 0 only if every message arrives:
//! `cargo run -p dockline-axum --example product_messages -- --check`.

#[path = "support/flow.rs"]
mod flow;
#[path = "support/login.rs"]
mod login;
#[path = "support/simulation.rs"]
mod simulation;
#[path = "support/visitor.rs"]
mod visitor;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use dockline::ports::{Clock, Entropy, OsEntropy, Outbox, SystemClock};
use dockline::rules::events::type_of;
use dockline::rules::outbox::{AttemptOutcome, judge};
use dockline::{
    Caller, Dockline, Lease, MessageId, OutboxBounds, OutboxMessage, PortError, Ports, Verdict,
    WebhookSecrets,
};
use dockline_axum::{AuthenticationError, Authenticator, RouterOptions, TracingEvents};
use dockline_github::GithubApp;
use dockline_memory::{MemoryBindingRepo, MemoryOutbox, MemoryRateLimiter, MemoryStateStore};
use http::request::Parts;
use serde_json::Value;
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use login::Login;
use simulation::{Result, Simulation};
use visitor::{OWN_PAGE, Visitor};

// docs: consumer
/// The time of a lease, longer than one message takes.
const LEASE: Duration = Duration::from_secs(60);

/// Hands messages to the product, one queue after the other. Several consumers, also on several nodes, share the queues.
async fn consume(outbox: &dyn Outbox, product: &Product) -> Result<(), PortError> {
    loop {
        let now = SystemClock.now();
        match outbox.lease(now, now + LEASE).await? {
            Some(lease) => {
                consume_queue(outbox, product, &lease).await?;
                outbox.release(&lease, SystemClock.now()).await?;
            }
            None => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Hands over the messages of a queue, in order, up to the first that has to be tried again.
async fn consume_queue(outbox: &dyn Outbox, product: &Product, lease: &Lease) -> Result<(), PortError> {
    for OutboxMessage { entry, body } in outbox.read(lease, SystemClock.now(), 10, 1 << 20).await? {
        let outcome = product.handle(&entry.id, type_of(&entry.content), &body).await;
        let mut jitter = [0];
        OsEntropy.fill(&mut jitter)?;
        let verdict = judge(entry.status, &entry.failures, &outcome, SystemClock.now(), jitter[0]);
        let has_to_wait = matches!(verdict, Verdict::RetryLater { .. });
        // `false`: another consumer has the queue by now, and sends the message again.
        let has_lease = outbox.settle(lease, entry.sequence, verdict).await?;
        if has_to_wait || !has_lease {
            break;
        }
        outbox.renew(lease, SystemClock.now() + LEASE).await?;
    }
    Ok(())
}

/// The product. It may get a message twice, and detects that by the id.
#[derive(Debug)]
struct Product {
    seen: Mutex<HashSet<MessageId>>,
    handled: watch::Sender<Vec<String>>,
}

impl Product {
    async fn handle(&self, id: &MessageId, kind: &str, body: &[u8]) -> AttemptOutcome {
        let Ok(payload) = serde_json::from_slice::<Value>(body) else {
            return AttemptOutcome::Failed { cause: "the body is no JSON".to_owned() };
        };
        // In a product: one transaction that stores the id and the effect of the message.
        if self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone()) {
            let action = payload.get("action").and_then(Value::as_str);
            tracing::info!(%id, kind, action, "message");
            self.handled.send_modify(|handled| handled.push(kind.to_owned()));
        }
        AttemptOutcome::Answered { status: 200, retry_after: None }
    }
}
// docs: end

#[async_trait]
impl Authenticator for Login {
    async fn authenticate(&self, request: &Parts) -> Result<Caller, AuthenticationError> {
        let user = self.user(&request.headers).ok_or(AuthenticationError::Unauthenticated)?;
        let caller = Caller::new(user.organization, user.organization_name, user.name);
        user.is_admin.then(|| caller.with_return_hosts(["localhost"])).ok_or(AuthenticationError::Forbidden)
    }
}

#[tokio::main]
async fn main() -> Result {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    let simulation = Simulation::start(flow::CALLBACK, flow::WEBHOOKS).await?;
    // docs: outbox
    let bindings = MemoryBindingRepo::new();
    // From now on the repository stores its changes here, too.
    let outbox = Arc::new(MemoryOutbox::open(&bindings, OutboxBounds::default()));
    let dockline = Dockline::builder(Ports {
        states: Arc::new(MemoryStateStore::new()),
        bindings: Arc::new(bindings),
        github: Arc::new(GithubApp::new(simulation.settings()?)?),
    })
    .with_delivery_store(outbox.clone())
    // docs: end
    .with_rate_limiter(Arc::new(MemoryRateLimiter::new()))
    .with_events(Arc::new(TracingEvents))
    .with_webhook_secrets(WebhookSecrets::new([simulation.app.webhook_secret.clone()])?)
    .build()?;
    let (handled, mut messages) = watch::channel(Vec::new());
    let product = Product { seen: Mutex::default(), handled };
    let consumer = tokio::spawn(async move { consume(&*outbox, &product).await });
    let login = Login::new()?;
    let options = RouterOptions::default().with_authenticator(login.clone());
    let host = Router::new().merge(login.routes()).merge(dockline_axum::router(dockline, options)?);
    simulation
        .serve(host, async |origin, github, app| {
            let visitor = Visitor::new()?;
            visitor.submit(&format!("{origin}/login"), &[("user", "ann")]).await?.expect(303, "the login")?;
            flow::connect(origin, &visitor, OWN_PAGE, github, app).await?;
            let id = github.installations().first().ok_or("no installation")?.id;
            github.suspend(id, None)?;
            github.settled().await;
            let expected = ["installation.registered", "installation"];
            let arrived =
                messages.wait_for(|handled| expected.iter().all(|kind| handled.iter().any(|it| it == kind)));
            tokio::time::timeout(Duration::from_secs(10), arrived).await.map_err(|_| "no message")??;
            Ok(())
        })
        .await?;
    consumer.abort();
    Ok(())
}
