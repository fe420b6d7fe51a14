//! `dockline doctor` with a complete setup, and with each part missing or wrong.

use std::process::Command;

use dockline_github_sim::NewApp;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::connect_proxy::ConnectProxy;
use crate::schema::TestSchema;
use crate::server::{Github, dockline};

const PUBLIC: &str = "https://api.example.com";
const WEBHOOK: &str = "https://api.example.com/v1/github/webhooks";
const CALLBACK: &str = "https://api.example.com/v1/github/installation/callback";

pub(super) struct Setup {
    pub(super) schema: TestSchema,
    pub(super) github: Github,
}

impl Setup {
    async fn with(app: NewApp) -> Self {
        let schema = TestSchema::migrated().await;
        let github = Github::with_app(&schema, app).await;
        Self { schema, github }
    }

    pub(super) async fn complete() -> Self {
        Self::with(NewApp::new("dockline-test", CALLBACK).with_webhook_url(WEBHOOK)).await
    }

    pub(super) fn command(&self, of: &str) -> Command {
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

    /// Runs doctor. Returns whether no check failed, and the checks.
    pub(super) fn run(&self, change: Change<'_>) -> (bool, Vec<Value>) {
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
        let report: Value = serde_json::from_slice(&output.stdout).expect(&stderr);
        let failed = report["counts"]["fail"].as_u64().unwrap();
        assert_eq!(output.status.code(), Some(i32::from(failed > 0)), "{report:#}");
        (failed == 0, report["checks"].as_array().unwrap().clone())
    }

    /// Asserts the verdict and text of `check`, and that it has help unless it is ok.
    #[track_caller]
    pub(super) fn expect(&self, change: Change<'_>, check: &str, verdict: &str, said: &str) {
        let (green, checks) = self.run(change);
        let named: Vec<&Value> = checks.iter().filter(|it| it["check"] == check).collect();
        let right = |it: &&&Value| it["verdict"] == verdict && it["said"].as_str().unwrap().contains(said);
        assert_eq!(named.iter().filter(right).count(), 1, "{check}: {named:#?} of {checks:#?}");
        assert!(verdict == "ok" || named.iter().all(|it| it["help"].is_string()), "{named:#?}");
        assert!(!green || verdict != "fail");
    }
}

/// Variables and flags to set. An empty variable is removed.
pub(super) type Change<'a> = &'a [(&'a str, &'a str)];

pub(super) const UNCHANGED: Change<'static> = &[];

#[tokio::test(flavor = "multi_thread")]
async fn complete_setup_passes_all_checks() {
    let setup = Setup::complete().await;
    let (green, checks) = setup.run(UNCHANGED);
    assert!(green, "{checks:#?}");
    let names: Vec<&str> = checks.iter().map(|it| it["check"].as_str().unwrap()).collect();
    let schema = format!("database schema {}", setup.schema.name);
    for check in [
        "webhook secret",
        "public URL",
        "listen address",
        "database",
        "database latency",
        "database connections",
        &schema,
        "sweep",
        "messages for the product",
        "GitHub API",
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
    let output = setup.command("doctor").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ok    database: PostgreSQL ") && text.contains(" 0 failed"), "{text}");
    assert!(text.contains("????  App settings: ") && text.contains(CALLBACK), "{text}");
    for name in ["client-secret", "webhook-secret", "key.pem"] {
        let held = std::fs::read_to_string(setup.github.files.path(name)).unwrap();
        assert!(!text.contains(held.lines().nth(1).unwrap_or(&held)), "{name}");
    }
    assert!(!text.contains(setup.schema.url.expose_secret()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_another_app_are_named() {
    let setup = Setup::complete().await;
    let ask: Change<'_> = &[("DOCKLINE_GITHUB_APP_ID", "77")];
    setup.expect(ask, "--github-app-id", "fail", "is 77, but at GitHub");
    // The JWT names the client id, and GitHub knows no such App.
    setup.expect(&[("DOCKLINE_GITHUB_CLIENT_ID", "Iv23unknown")], "App credential", "fail", "");
    let other = include_str!("../../../../github/tests/keys/rsa-2048-pkcs1.pem");
    let foreign: Change<'_> =
        &[("DOCKLINE_GITHUB_PRIVATE_KEY_FILE", ""), ("DOCKLINE_GITHUB_PRIVATE_KEY", other)];
    setup.expect(foreign, "App credential", "fail", "GitHub refuses the App's credential (401)");
    let ask: Change<'_> = &[("DOCKLINE_GITHUB_API_URL", "http://127.0.0.1:1/api/v3")];
    setup.expect(ask, "App credential", "fail", "GitHub cannot be reached");
    // serve reports the same errors at once.
    let mut serve = setup.command("serve");
    serve.env("DOCKLINE_GITHUB_APP_ID", "77").env("DOCKLINE_MIGRATIONS", "check");
    serve.env("DOCKLINE_DATABASE_SCHEMA", "not_there");
    let output = serve.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("the configuration has 2 errors"), "{stderr}");
    assert!(stderr.contains("the schema not_there: has version 0"), "{stderr}");
    assert!(stderr.contains("--github-app-id: is 77"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn renamed_app_is_a_warning_l80() {
    let setup = Setup::complete().await;
    let ask: Change<'_> = &[("DOCKLINE_GITHUB_APP_SLUG", "another")];
    setup.expect(ask, "--github-app-slug", "warn", "is another, but at GitHub the App has dockline-test");
    assert!(setup.run(ask).0, "no check fails");
}

#[tokio::test(flavor = "multi_thread")]
async fn api_version_and_issuer_are_shown_and_used() {
    let setup = Setup::complete().await;
    let api = &setup.github.sim.api;
    let said = format!("{api}, API version 2022-11-28, JWT issuer: client id");
    setup.expect(UNCHANGED, "GitHub API", "ok", &said);
    let ask: Change<'_> =
        &[("DOCKLINE_GITHUB_API_VERSION", "2026-03-10"), ("DOCKLINE_GITHUB_JWT_ISSUER", "app-id")];
    let said = format!("{api}, API version 2026-03-10, JWT issuer: App id");
    setup.expect(ask, "GitHub API", "ok", &said);
    setup.expect(ask, "App credential", "ok", "GitHub accepts it");
    // GitHub knows no App with this id, so the App id is what the JWT names.
    let ask: Change<'_> = &[("DOCKLINE_GITHUB_APP_ID", "77"), ("DOCKLINE_GITHUB_JWT_ISSUER", "app-id")];
    setup.expect(ask, "App credential", "fail", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn github_is_called_through_the_proxy_and_its_password_is_not_shown_i14_i18() {
    let setup = Setup::complete().await;
    let proxy = ConnectProxy::start("ann:pass-canary word");
    let url = format!("http://ann:pass-canary%20word@{}", proxy.address);
    let ask: Change<'_> = &[("DOCKLINE_HTTPS_PROXY", &url)];
    setup.expect(ask, "GitHub API", "ok", &format!("through the proxy http://{}", proxy.address));
    setup.expect(ask, "App credential", "ok", "GitHub accepts it");
    let github = setup.github.sim.api.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let targets = proxy.targets();
    assert!(!targets.is_empty() && targets.iter().all(|target| *target == github), "{targets:?}");
    let wrong = url.replace("ann", "eve");
    let ask: Change<'_> = &[("DOCKLINE_HTTPS_PROXY", &wrong)];
    setup.expect(ask, "App credential", "fail", "proxy authorization required");
    for ask in [&url, &wrong] {
        let output =
            setup.command("doctor").env("DOCKLINE_HTTPS_PROXY", ask).env("RUST_LOG", "trace").output();
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!text.contains("canary") && text.contains("GitHub API"), "{text}");
    }
    // A proxy of the environment is ignored, with a warning.
    let ask: Change<'_> = &[("HTTPS_PROXY", "http://127.0.0.1:1")];
    setup.expect(ask, "proxy", "warn", "HTTPS_PROXY is set in the environment and ignored");
    setup.expect(ask, "App credential", "ok", "GitHub accepts it");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_settings_of_the_app_are_reported() {
    let app = NewApp::new("dockline-test", CALLBACK).with_permissions([("contents", "read")]);
    let setup = Setup::with(app).await;
    setup.expect(UNCHANGED, "permission Members", "fail", "no organization can be bound");
    setup.expect(UNCHANGED, "permission Metadata", "warn", "repositories cannot be listed");
    setup.expect(UNCHANGED, "webhook", "warn", "the App has none");
    setup.expect(UNCHANGED, "webhook deliveries", "unknown", "delivered nothing");
    for (policy, level, said) in [
        ("installer", "warn", "the administrator of a single repository can install the App"),
        ("visible", "ok", "does not need it"),
        ("state", "ok", "does not need it"),
    ] {
        let policy: Change<'_> = &[("DOCKLINE_CLAIM_POLICY", policy)];
        setup.expect(policy, "permission Members", level, said);
    }

    let app = NewApp::new("dockline-test", CALLBACK)
        .with_webhook_url("https://old.example.com/hooks")
        .with_webhook_secret("");
    let mut setup = Setup::with(app).await;
    setup.github.files.write("webhook-secret", "0123456789abcdef");
    setup.expect(UNCHANGED, "webhook URL", "fail", "at GitHub it is https://old.example.com/hooks");
    setup.expect(UNCHANGED, "webhook secret at GitHub", "fail", "none is set");

    setup = Setup::complete().await;
    let none: Change<'_> = &[("DOCKLINE_WEBHOOK_SECRET_FILE", "")];
    setup.expect(none, "webhook secret", "warn", "every delivery is rejected");
    setup.expect(none, "webhook secret at GitHub", "warn", "none is set here");
    let private: Change<'_> = &[("DOCKLINE_PUBLIC_URL", "")];
    setup.expect(private, "webhook URL", "unknown", "it cannot be compared");
    setup.github.sim.sim().advance_clock(40);
    setup.expect(UNCHANGED, "clock", "warn", "behind GitHub's");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_of_deliveries_is_checked() {
    // No server listens on this port, so the ping fails.
    let app =
        NewApp::new("dockline-test", CALLBACK).with_webhook_url("http://127.0.0.1:1/v1/github/webhooks");
    let setup = Setup::with(app).await;
    setup.github.sim.sim().settled().await;
    let local: Change<'_> = &[("DOCKLINE_PUBLIC_URL", "http://127.0.0.1:1")];
    setup.expect(local, "webhook URL", "ok", "http://127.0.0.1:1/v1/github/webhooks");
    setup.expect(local, "webhook deliveries", "warn", "1 of the last 1 failed; the newest, ping at");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_other_users_may_read_are_reported() {
    use std::os::unix::fs::PermissionsExt;

    let setup = Setup::complete().await;
    let key = setup.github.files.path("key.pem");
    let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o600);
    let warned =
        |checks: &[Value]| checks.iter().filter(|it| it["check"] == "--github-private-key-file").count();
    assert_eq!(warned(&setup.run(UNCHANGED).1), 0);
    mode(0o644);
    setup.expect(UNCHANGED, "--github-private-key-file", "warn", "every user of this machine may read it");
    let flag: Change<'_> = &[("--webhook-secret", "0123456789abcdef"), ("DOCKLINE_WEBHOOK_SECRET_FILE", "")];
    setup.expect(flag, "--webhook-secret", "warn", "on the command line");
    setup.github.files.write("c.toml", "webhook-secret = '0123456789abcdef'\n");
    let file = setup.github.files.path("c.toml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ours: Change<'_> = &[("DOCKLINE_CONFIG", file.as_str()), ("DOCKLINE_WEBHOOK_SECRET_FILE", "")];
    setup.expect(ours, "--config", "warn", "every user of this machine may read it");
}
