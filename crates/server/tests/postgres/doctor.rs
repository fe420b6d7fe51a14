//! `dockline doctor` against a simulated GitHub and a real PostgreSQL, green and with each thing missing.

use std::process::Command;

use dockline_github_sim::NewApp;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::api::Backend;
use crate::schema::TestSchema;
use crate::server::{Github, Server, dockline};

const PUBLIC: &str = "https://api.example.com";
const WEBHOOK: &str = "https://api.example.com/v1/github/webhooks";
const CALLBACK: &str = "https://api.example.com/v1/github/installation/callback";

struct Patient {
    schema: TestSchema,
    github: Github,
}

impl Patient {
    async fn with(app: NewApp) -> Self {
        let schema = TestSchema::migrated().await;
        let github = Github::with_app(&schema, app).await;
        Self { schema, github }
    }

    async fn healthy() -> Self {
        Self::with(NewApp::new("dockline-test", CALLBACK).with_webhook_url(WEBHOOK)).await
    }

    fn command(&self, of: &str) -> Command {
        let Github { sim, app, files } = &self.github;
        let mut command = dockline(&self.schema, &[of, "--listen", "127.0.0.1:0"]);
        command
            .env("DOCKLINE_GITHUB_WEB_URL", &sim.web)
            .env("DOCKLINE_GITHUB_API_URL", &sim.api)
            .env("DOCKLINE_GITHUB_APP_ID", app.app_id.to_string())
            .env("DOCKLINE_GITHUB_APP_SLUG", &files.slug)
            .env("DOCKLINE_GITHUB_CLIENT_ID", &files.client_id)
            .env("DOCKLINE_GITHUB_CLIENT_SECRET_FILE", files.path("client-secret"))
            .env("DOCKLINE_GITHUB_PRIVATE_KEY_FILE", files.path("key.pem"))
            .env("DOCKLINE_WEBHOOK_SECRET_FILE", files.path("webhook-secret"))
            .env("DOCKLINE_PUBLIC_URL", PUBLIC);
        command
    }

    /// Whether it is green, and what it found.
    fn seen(&self, change: Change<'_>) -> (bool, Vec<Value>) {
        let mut command = self.command("doctor");
        command.arg("--json");
        for (name, value) in change {
            match value {
                &"" => command.env_remove(name),
                value if name.starts_with("--") => command.args([name, value]),
                value => command.env(name, value),
            };
        }
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let told: Value = serde_json::from_slice(&output.stdout).expect(&stderr);
        let failed = told["counts"]["fail"].as_u64().unwrap();
        assert_eq!(output.status.code(), Some(i32::from(failed > 0)), "{told:#}");
        (failed == 0, told["checks"].as_array().unwrap().clone())
    }

    /// That it finds `check` to be `verdict`, saying `said`, with a mend where one is needed.
    #[track_caller]
    fn finds(&self, change: Change<'_>, check: &str, verdict: &str, said: &str) {
        let (green, checks) = self.seen(change);
        let named: Vec<&Value> = checks.iter().filter(|it| it["check"] == check).collect();
        let right = |it: &&&Value| it["verdict"] == verdict && it["said"].as_str().unwrap().contains(said);
        assert_eq!(named.iter().filter(right).count(), 1, "{check}: {named:#?} of {checks:#?}");
        assert!(verdict == "ok" || named.iter().all(|it| it["mend"].is_string()), "{named:#?}");
        assert!(!green || verdict != "fail");
    }
}

/// Variables and flags; an empty variable is taken away.
type Change<'a> = &'a [(&'a str, &'a str)];

const UNCHANGED: Change<'static> = &[];

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_install_is_green_and_everything_is_looked_at() {
    let patient = Patient::healthy().await;
    let (green, checks) = patient.seen(UNCHANGED);
    assert!(green, "{checks:#?}");
    let names: Vec<&str> = checks.iter().map(|it| it["check"].as_str().unwrap()).collect();
    let schema = format!("database schema {}", patient.schema.name);
    for check in [
        "webhook secret",
        "public URL",
        "listen address",
        "database",
        "database latency",
        "database connections",
        &schema,
        "sweep",
        "App credential",
        "App identity",
        "clock",
        "permission Members",
        "permission Metadata",
        "webhook URL",
        "webhook secret at GitHub",
        "webhook deliveries",
        "GitHub rate limit",
        "App settings",
    ] {
        assert!(names.contains(&check), "{check}: {names:?}");
    }
    let output = patient.command("doctor").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ok    database: PostgreSQL ") && text.contains(" 0 failed"), "{text}");
    assert!(text.contains("????  App settings: ") && text.contains(CALLBACK), "{text}");
    for name in ["client-secret", "webhook-secret", "key.pem"] {
        let held = std::fs::read_to_string(patient.github.files.path(name)).unwrap();
        assert!(!text.contains(held.lines().nth(1).unwrap_or(&held)), "{name}");
    }
    assert!(!text.contains(patient.schema.url.expose_secret()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_belong_to_the_app_is_named() {
    let patient = Patient::healthy().await;
    let ask: Change<'_> = &[("DOCKLINE_GITHUB_APP_SLUG", "another")];
    patient.finds(
        ask,
        "--github-app-slug",
        "fail",
        "but GitHub says that the App with this key is dockline-test",
    );
    let ask: Change<'_> = &[("DOCKLINE_GITHUB_APP_ID", "77")];
    patient.finds(ask, "--github-app-id", "fail", "is 77, but GitHub says");
    // The JWT names the client id, and GitHub knows no such App.
    patient.finds(&[("DOCKLINE_GITHUB_CLIENT_ID", "Iv23nobody")], "App credential", "fail", "");
    let other = include_str!("../../../github/tests/keys/rsa-2048-pkcs1.pem");
    let foreign: Change<'_> =
        &[("DOCKLINE_GITHUB_PRIVATE_KEY_FILE", ""), ("DOCKLINE_GITHUB_PRIVATE_KEY", other)];
    patient.finds(foreign, "App credential", "fail", "GitHub refuses the App's credential (401)");
    let ask: Change<'_> = &[("DOCKLINE_GITHUB_API_URL", "http://127.0.0.1:1/api/v3")];
    patient.finds(ask, "App credential", "fail", "GitHub cannot be reached");
    // And serve refuses to start for the same reasons, all at once.
    let mut serve = patient.command("serve");
    serve
        .env("DOCKLINE_GITHUB_APP_SLUG", "another")
        .env("DOCKLINE_GITHUB_APP_ID", "77")
        .env("DOCKLINE_MIGRATIONS", "check");
    serve.env("DOCKLINE_DATABASE_SCHEMA", "not_there");
    let output = serve.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("3 things are wrong"), "{stderr}");
    assert!(stderr.contains("the schema not_there: has version 0"), "{stderr}");
    assert!(
        stderr.contains("--github-app-slug: is another") && stderr.contains("--github-app-id: is 77"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_as_it_should_be_is_told() {
    let patient = Patient::healthy().await;
    let unreachable: Change<'_> =
        &[("DOCKLINE_DATABASE_URL", "postgres://u:canary@127.0.0.1:1/d?connect_timeout=2")];
    patient.finds(unreachable, "database", "fail", "onnect");
    let empty: Change<'_> = &[("DOCKLINE_DATABASE_SCHEMA", "not_there")];
    patient.finds(empty, "database schema not_there", "warn", "has version 0 and will be brought to");
    let checked: Change<'_> = &[("DOCKLINE_DATABASE_SCHEMA", "not_there"), ("DOCKLINE_MIGRATIONS", "check")];
    patient.finds(checked, "database schema not_there", "fail", "has version 0");
    let many: Change<'_> = &[("DOCKLINE_DATABASE_CONNECTIONS", "100000")];
    patient.finds(many, "database connections", "warn", "100000 for each node");
    let never: Change<'_> = &[("DOCKLINE_RECONCILE_EVERY", "0")];
    patient.finds(never, "sweep", "warn", "switched off");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_app_lacks_at_github_is_told() {
    let app = NewApp::new("dockline-test", CALLBACK).with_permissions([("contents", "read")]);
    let patient = Patient::with(app).await;
    patient.finds(UNCHANGED, "permission Members", "fail", "no organization can be bound");
    patient.finds(UNCHANGED, "permission Metadata", "warn", "repositories cannot be listed");
    patient.finds(UNCHANGED, "webhook", "warn", "the App has none");
    patient.finds(UNCHANGED, "webhook deliveries", "unknown", "delivered nothing");
    let state: Change<'_> = &[("DOCKLINE_CLAIM_POLICY", "state")];
    patient.finds(state, "permission Members", "ok", "does not need it");

    let app = NewApp::new("dockline-test", CALLBACK)
        .with_webhook_url("https://old.example.com/hooks")
        .with_webhook_secret("");
    let mut patient = Patient::with(app).await;
    patient.github.files.write("webhook-secret", "0123456789abcdef");
    patient.finds(UNCHANGED, "webhook URL", "fail", "at GitHub it is https://old.example.com/hooks");
    patient.finds(UNCHANGED, "webhook secret at GitHub", "fail", "none is set");

    patient = Patient::healthy().await;
    let none: Change<'_> = &[("DOCKLINE_WEBHOOK_SECRET_FILE", "")];
    patient.finds(none, "webhook secret", "warn", "every delivery is refused");
    patient.finds(none, "webhook secret at GitHub", "warn", "none is given here");
    let private: Change<'_> = &[("DOCKLINE_PUBLIC_URL", "")];
    patient.finds(private, "webhook URL", "unknown", "ours is not known");
    patient.github.sim.sim().advance_clock(40);
    patient.finds(UNCHANGED, "clock", "warn", "behind GitHub's");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_deliveries_is_read() {
    // Nobody listens there, so the ping fails as GitHub tries it out.
    let app =
        NewApp::new("dockline-test", CALLBACK).with_webhook_url("http://127.0.0.1:1/v1/github/webhooks");
    let patient = Patient::with(app).await;
    patient.github.sim.sim().settled().await;
    let local: Change<'_> = &[("DOCKLINE_PUBLIC_URL", "http://127.0.0.1:1")];
    patient.finds(local, "webhook URL", "ok", "http://127.0.0.1:1/v1/github/webhooks");
    patient.finds(local, "webhook deliveries", "warn", "1 of the last 1 failed; the newest, ping at");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_others_may_read_are_warned_of() {
    use std::os::unix::fs::PermissionsExt;

    let patient = Patient::healthy().await;
    let key = patient.github.files.path("key.pem");
    let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o600);
    let warned =
        |checks: &[Value]| checks.iter().filter(|it| it["check"] == "--github-private-key-file").count();
    assert_eq!(warned(&patient.seen(UNCHANGED).1), 0);
    mode(0o644);
    patient.finds(UNCHANGED, "--github-private-key-file", "warn", "every user of this machine may read it");
    let flag: Change<'_> = &[("--webhook-secret", "0123456789abcdef"), ("DOCKLINE_WEBHOOK_SECRET_FILE", "")];
    patient.finds(flag, "--webhook-secret", "warn", "on a command line");
    patient.github.files.write("c.toml", "webhook-secret = '0123456789abcdef'\n");
    let file = patient.github.files.path("c.toml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ours: Change<'_> = &[("DOCKLINE_CONFIG", file.as_str()), ("DOCKLINE_WEBHOOK_SECRET_FILE", "")];
    patient.finds(ours, "--config", "warn", "every user of this machine may read it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_sweep_is_noticed() {
    let patient = Patient::healthy().await;
    let Patient { schema, github } = &patient;
    let server = Server::start(schema, github, "127.0.0.1:0");
    let backend = Backend::new(schema.key("org_1").await);
    let installation = github.install("olga");
    let state = backend.state(&server.api).await;
    assert_eq!(backend.register(&server.api, installation, &state).await.unwrap().status, 201);
    patient.finds(UNCHANGED, "sweep", "ok", "was verified at");
    schema.execute("update $schema.installations set verified_at = verified_at - interval '2 hours'").await;
    patient.finds(UNCHANGED, "sweep", "warn", "more than 5580 s ago");
}
