//! The log of `serve` at `trace`, in both formats, contains no secret of the configuration or of a request.

use std::fs::File;

use dockline_github_sim::{Fault, FaultRule, TokenFormat};
use reqwest::Url;
use secrecy::ExposeSecret;

use crate::api::Backend;
use crate::forwarding::Product;
use crate::needles::Needle;
use crate::schema::TestSchema;
use crate::server::{Github, Server};

const FORWARD_SECRET: &str = "whsec_CanaryOfForwardingCanaryOfForwardingCanarw==";
const FORWARD_TOKEN: &str = "forward-token-canary-0123456789";

#[tokio::test(flavor = "multi_thread")]
async fn log_at_trace_contains_no_secret() {
    for (format, tokens) in [("human", TokenFormat::Opaque), ("json", TokenFormat::Stateless)] {
        let schema = TestSchema::migrated().await;
        let github = Github::start(&schema).await;
        let log = github.files.path("log");
        // The product refuses what it cannot verify, which is everything: the node has another secret.
        let product = Product::start().await;
        let forward_to = format!("{}?token={FORWARD_TOKEN}", product.url);
        github.files.write("forward-secret", FORWARD_SECRET);
        let forward_secret = github.files.path("forward-secret");
        let further = [
            "--log-format",
            format,
            "--reconcile-every",
            "1s",
            "--reconcile-unverified-for",
            "0",
            "--forward-to",
            &forward_to,
            "--forward-secret-file",
            &forward_secret,
        ];
        let file = File::create(&log).unwrap();
        let server = Server::spawn_logging(&schema, &github, &further, file).listening();
        let sim = github.sim.sim();
        let hook = format!("{}/v1/github/webhooks", server.api);
        sim.set_webhook_url(github.app.app_id, Some(&hook)).unwrap();
        sim.set_token_format(tokens);
        let key = schema.key("org_acme").await;
        let backend = Backend::new(key.clone());
        let installation = github.install("acme");
        let state = backend.state(&server.api).await;
        assert_eq!(backend.register(&server.api, installation, &state).await.unwrap().status, 201);
        assert_eq!(backend.repositories(&server.api).await.unwrap().status, 200);
        let stranger = Backend::new(format!("{}x", key.expose_secret()).into());
        assert_eq!(stranger.inspect(&server.api).await.unwrap().status, 401);
        sim.set_webhook_secret(github.app.app_id, "a stranger's secret").unwrap();
        sim.ping(github.app.app_id).unwrap();
        sim.settled().await;
        product.until_refused(2).await;
        for code in [401, 403, 422, 500] {
            sim.set_fault(FaultRule::new(Fault::Status { code }));
            assert!(backend.detach_and_uninstall(&server.api).await.unwrap().status >= 400);
            sim.clear_faults();
        }
        // Without the table, the database's error quotes the statement.
        schema.execute("alter table $schema.bindings rename to elsewhere").await;
        assert_eq!(backend.inspect(&server.api).await.unwrap().status, 500);
        assert_eq!(server.end(), Some(0));

        let text = std::fs::read_to_string(&log).unwrap();
        for expected in
            ["request", "org_acme", "port", "github", "answered", "delivery refused", "message not accepted"]
        {
            assert!(text.contains(expected), "{expected} is not in the log");
        }
        let app = &github.app;
        let pem: Vec<_> = app.private_key_pem.expose_secret().lines().map(str::to_owned).collect();
        let mut secrets = vec![
            ("an API key's secret", key.expose_secret().splitn(4, '_').nth(3).unwrap().to_owned()),
            ("a state", state),
            ("the client secret", app.client_secret.expose_secret().to_owned()),
            ("the webhook secret", app.webhook_secret.expose_secret().to_owned()),
            ("the forward secret", FORWARD_SECRET.strip_prefix("whsec_").unwrap().to_owned()),
            ("a token in the product's URL", FORWARD_TOKEN.to_owned()),
            ("the private key", pem[pem.len() / 2].clone()),
        ];
        let url = Url::parse(schema.url.expose_secret()).unwrap();
        // The URL of the test database may have no password.
        secrets.extend(
            url.password().filter(|word| word.len() >= 12).map(|word| ("the password", word.to_owned())),
        );
        for (name, secret) in secrets {
            assert_eq!(Needle::new(name, &secret).found_in(&text), None, "{name} ({format})");
        }
        // Tokens are random, so this searches for their prefixes.
        for prefix in ["ghs_", "ghu_", "Bearer ", "eyJhbGciOi"] {
            assert!(!text.contains(prefix), "{prefix} ({format})");
        }
        // Other crates do not log below info.
        let others = text.lines().filter(|line| line.contains("hyper") || line.contains("tokio_postgres"));
        assert_eq!(others.count(), 0, "({format})");
    }
}
