//! `serve` with `--forward-to`, a simulated GitHub, and a product.

use std::collections::BTreeMap;

use dockline_github_sim::GithubSim;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::Sha256;

use super::product::{Message, Product, SECRET};
use crate::api::Backend;
use crate::http_client::loopback;
use crate::schema::TestSchema;
use crate::server::{Github, Server};

/// `serve` with `--forward-to`, a simulated GitHub, and a product.
pub(crate) struct Scene {
    pub(crate) schema: TestSchema,
    pub(crate) github: Github,
    pub(crate) product: Product,
    secret_file: String,
    http: reqwest::Client,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        Self::of(TestSchema::migrated().await).await
    }

    /// Starts it on a schema that is migrated.
    pub(crate) async fn of(schema: TestSchema) -> Self {
        let github = Github::start(&schema).await;
        let product = Product::start().await;
        github.files.write("forward-secret", SECRET);
        let secret_file = github.files.path("forward-secret");
        Self { schema, github, product, secret_file, http: loopback() }
    }

    /// Starts a node that forwards.
    pub(crate) fn node(&self, further: &[&str]) -> Server {
        self.node_at("127.0.0.1:0", further)
    }

    /// Starts it at an address.
    pub(crate) fn node_at(&self, listen: &str, further: &[&str]) -> Server {
        let forward = ["--forward-to", &self.product.url, "--forward-secret-file", &self.secret_file];
        Server::spawn_with(&self.schema, &self.github, listen, &[&forward, further].concat()).listening()
    }

    /// Binds an installation to an organization, and returns its id.
    pub(crate) async fn bind(&self, server: &Server, organization: &str) -> u64 {
        let backend = Backend::new(self.schema.key(organization).await);
        let installation = self.github.install(&organization.replace('_', "-"));
        let state = backend.state(&server.api).await;
        assert_eq!(backend.register(&server.api, installation, &state).await.unwrap().status, 201);
        installation
    }

    /// Has the simulator send its webhooks to a node.
    pub(crate) fn set_webhook(&self, server: &Server) {
        let url = format!("{}/v1/github/webhooks", server.api);
        self.github.sim.sim().set_webhook_url(self.github.app.app_id, Some(&url)).unwrap();
    }

    /// Has the simulator send a `push` number `number`.
    pub(crate) fn push_at_github(&self, installation: u64, number: usize) {
        push_at_github(self.github.sim.sim(), installation, number);
    }

    /// Sends a signed `push` as GitHub does. Returns the status, or `None` if the connection failed.
    pub(crate) async fn push(&self, server: &Server, installation: u64, guid: &str) -> Option<u16> {
        let payload = json!({
            "ref": "refs/heads/main", "installation": { "id": installation }, "after": guid, "size": 1.50,
        });
        self.deliver(server, "push", guid, payload.to_string()).await
    }

    /// Sends a signed delivery.
    pub(crate) async fn deliver(
        &self,
        server: &Server,
        event: &str,
        guid: &str,
        body: String,
    ) -> Option<u16> {
        let secret = self.github.app.webhook_secret.expose_secret();
        let hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&body);
        let digits: String = hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = self
            .http
            .post(format!("{}/v1/github/webhooks", server.api))
            .header("content-type", "application/json")
            .header("x-github-event", event)
            .header("x-github-delivery", guid)
            .header("x-hub-signature-256", format!("sha256={digits}"))
            .body(body);
        Some(request.send().await.ok()?.status().as_u16())
    }

    /// Ends the leases of killed nodes, as a minute does.
    pub(crate) async fn expire_leases(&self) {
        let past = "update $schema.outbox_queues set lease_until = lease_until - interval '1 minute', \
            due_at = due_at - interval '1 minute' where lease_until is not null";
        self.schema.execute(past).await;
    }
}

/// Has the simulator send a `push` with this number, of the size of a small real one.
pub(crate) fn push_at_github(sim: &GithubSim, installation: u64, number: usize) {
    let payload = json!({ "ref": "refs/heads/main", "number": number, "commits": ["x".repeat(2_000)] });
    sim.send_event(installation, "push", payload.as_object().unwrap().clone()).unwrap();
}

/// Fails unless the sequences grow.
pub(crate) fn assert_in_order(messages: &[Message]) {
    let sequences: Vec<u64> = messages.iter().map(Message::sequence).collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
}

/// Returns the number of messages by type.
pub(crate) fn types(messages: &[Message]) -> BTreeMap<&str, usize> {
    let mut types = BTreeMap::new();
    for message in messages {
        *types.entry(message.text("type")).or_default() += 1;
    }
    types
}
