//! Webhooks, the background sweep and `dockline reconcile`, on processes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use dockline_github_sim::{DeliveryMode, Fault, FaultRule};
use serde_json::Value;

use crate::api::Backend;
use crate::schema::TestSchema;
use crate::server::{Github, Server, dockline};

/// Binds `count` installations, each to its own organization.
pub(crate) async fn bound(
    schema: &TestSchema,
    github: &Github,
    api: &str,
    count: usize,
) -> Vec<(Backend, u64)> {
    let mut bound = Vec::new();
    for number in 0..count {
        let backend = Backend::new(schema.key(&format!("org_{number}")).await);
        let installation = github.install(&format!("account-{number}"));
        let state = backend.state(api).await;
        assert_eq!(backend.register(api, installation, &state).await.unwrap().status, 201);
        bound.push((backend, installation));
    }
    bound
}

pub(crate) async fn status(backend: &Backend, api: &str) -> String {
    backend.inspect(api).await.unwrap().json()["status"].as_str().unwrap().to_owned()
}

/// Returns the command `dockline reconcile` with the App's files.
pub(crate) fn reconcile(schema: &TestSchema, github: &Github, further: &[&str]) -> Command {
    let files = &github.files;
    let key = files.path("key.pem");
    let arguments = [
        "reconcile",
        "--github-web-url",
        &github.sim.web,
        "--github-api-url",
        &github.sim.api,
        "--github-app-id",
        &github.app.app_id.to_string(),
        "--github-app-slug",
        &files.slug,
        "--github-private-key-file",
        &key,
    ];
    dockline(schema, &[&arguments, further].concat())
}

/// Parses the last line of a run with `--json`.
fn summary(output: &Output) -> Value {
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_accepted_with_either_of_two_secrets_and_processed_during_shutdown() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let old = github.files.path("webhook-secret");
    let new = github.files.path("new-webhook-secret");
    std::fs::write(&new, "the new secret, while it is being changed\n").unwrap();
    let further = ["--webhook-secret-file", new.as_str(), "--reconcile-every", "0"];
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &further).listening();
    let sim = github.sim.sim();
    let hook = format!("{}/v1/github/webhooks", server.api);
    sim.set_webhook_url(github.app.app_id, Some(&hook)).unwrap();
    let bound = bound(&schema, &github, &server.api, 2).await;
    sim.settled().await;
    // Signed with the old secret, then with the new one, then with an unknown one.
    for (secret, code) in [
        (None, 202),
        (Some("the new secret, while it is being changed"), 202),
        (Some("a stranger's secret"), 401),
    ] {
        if let Some(secret) = secret {
            sim.set_webhook_secret(github.app.app_id, secret).unwrap();
        }
        sim.ping(github.app.app_id).unwrap();
        sim.settled().await;
        assert_eq!(sim.deliveries().pop().unwrap().outcome.unwrap().status_code, code, "{secret:?}");
    }
    assert!(std::fs::read_to_string(old).is_ok());
    sim.set_webhook_secret(github.app.app_id, "the new secret, while it is being changed").unwrap();
    let (first, installation) = &bound[0];
    sim.uninstall(*installation).unwrap();
    sim.settled().await;
    assert_eq!(status(first, &server.api).await, "uninstalled");
    // SIGTERM right after the delivery: the hint is processed before the exit.
    let (second, installation) = &bound[1];
    sim.set_fault(FaultRule::new(Fault::Slow { ms: 300 }).for_path("/api/v3/app/installations"));
    sim.suspend(*installation, None).unwrap();
    sim.settled().await;
    assert_eq!(server.end(), Some(0));
    sim.clear_faults();
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    assert_eq!(status(second, &server.api).await, "suspended");
}

/// While no node runs, GitHub's deliveries fail, and GitHub does not repeat them. Signed ends are final at once, so only a
/// redelivery makes these bindings uninstalled without an hour of lookups (L-84).
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_failed_while_no_node_ran_are_requested_again() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let sim = github.sim.sim();
    let hook = format!("{}/v1/github/webhooks", server.api);
    sim.set_webhook_url(github.app.app_id, Some(&hook)).unwrap();
    let bound = bound(&schema, &github, &server.api, 30).await;
    sim.settled().await;
    assert_eq!(server.end(), Some(0));
    // Attempts of the last five minutes are left to the next scan.
    sim.set_clock_offset(-600);
    for (_, installation) in &bound {
        sim.uninstall(*installation).unwrap();
    }
    sim.settled().await;
    sim.set_clock_offset(0);
    sim.clear_requests();
    let further = ["--reconcile-every", "0", "--redeliver-every", "1s"];
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &further).listening();
    let second = Server::spawn_with(&schema, &github, "127.0.0.1:0", &further).listening();
    let hook = format!("{}/v1/github/webhooks", server.api);
    sim.set_webhook_url(github.app.app_id, Some(&hook)).unwrap();
    for (backend, _) in &bound {
        while status(backend, &second.api).await != "uninstalled" {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    sim.settled().await;
    let redelivered = sim.deliveries().into_iter().filter(|delivery| delivery.redelivery).count();
    assert_eq!(redelivered, bound.len(), "each delivery is requested once, by one of the two nodes");
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_finds_unreported_changes_and_continues_where_it_stopped() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let bound = bound(&schema, &github, &server.api, 60).await;
    let sim = github.sim.sim();
    sim.set_delivery_mode(DeliveryMode::Dropped);
    for (number, (_, installation)) in bound.iter().enumerate() {
        match number % 4 {
            0 => sim.suspend(*installation, None).unwrap(),
            // Fewer than the bound on missing bindings.
            1 => sim.uninstall(*installation).unwrap(),
            _ => {}
        }
    }
    // All bindings are fresh.
    let nothing = reconcile(&schema, &github, &["--json"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(0), "{nothing:?}");
    assert_eq!(summary(&nothing)["checked"], 0);
    let age = "update $schema.installations set verified_at = verified_at - interval '2 hours', \
        observed_at = observed_at - interval '2 hours'";
    schema.execute(age).await;
    let some = reconcile(&schema, &github, &["--json", "--limit", "35"]).output().unwrap();
    assert_eq!((some.status.code(), &summary(&some)["checked"]), (Some(0), &Value::from(35)), "{some:?}");
    let rest = reconcile(&schema, &github, &[]).output().unwrap();
    let text = String::from_utf8(rest.stdout.clone()).unwrap();
    assert_eq!(rest.status.code(), Some(0), "{rest:?}");
    assert!(text.contains("checked 25: ") && text.trim_end().ends_with("complete"), "{text}");
    for (number, (backend, _)) in bound.iter().enumerate() {
        // Those that GitHub does not show have the last status.
        let expected = ["suspended", "active", "active", "active"][number % 4];
        assert_eq!(status(backend, &server.api).await, expected);
    }
    // An hour later they are absent.
    let age = "update $schema.installations set missing_since = missing_since - interval '2 hours', \
        missing_last = missing_last - interval '2 hours'";
    schema.execute(age).await;
    let all = reconcile(&schema, &github, &["--json", "--all"]).output().unwrap();
    let all = summary(&all);
    // Absent bindings are checked again.
    assert_eq!(
        (&all["status"], &all["active"], &all["suspended"], &all["uninstalled"], &all["checked"]),
        (&"complete".into(), &30.into(), &15.into(), &15.into(), &60.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_prints_failures_and_exits_with_1() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let bound = bound(&schema, &github, &server.api, 3).await;
    let path = format!("/api/v3/app/installations/{}", bound[1].1);
    github.sim.sim().set_fault(FaultRule::new(Fault::Status { code: 502 }).for_path(&path));
    let output = reconcile(&schema, &github, &["--json", "--all"]).output().unwrap();
    let sum = summary(&output);
    assert_eq!(
        (output.status.code(), &sum["failed"], &sum["active"]),
        (Some(1), &1.into(), &2.into()),
        "{output:?}"
    );
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains(&format!("\"failedInstallationId\":{}", bound[1].1)), "{stdout}");
    // GitHub rejects the key.
    github.sim.sim().set_fault(FaultRule::new(Fault::Status { code: 401 }));
    let output = reconcile(&schema, &github, &["--json", "--all"]).output().unwrap();
    assert_eq!(
        (output.status.code(), &summary(&output)["status"]),
        (Some(1), &"given_up".into()),
        "{output:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_exits_cleanly_on_interrupt() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let bound = bound(&schema, &github, &server.api, 30).await;
    // GitHub answers the first batch, then hangs.
    let last = format!("/api/v3/app/installations/{}", bound[29].1);
    github.sim.sim().set_fault(FaultRule::new(Fault::Hang).for_path(&last));
    let mut child = reconcile(&schema, &github, &["--json", "--all"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&first["status"], &first["checked"]), (&"in_progress".into(), &25.into()));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let end: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(end["status"], "interrupted");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_sweeps_in_the_background() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let further = ["--reconcile-every", "1s", "--reconcile-unverified-for", "0"];
    let servers: Vec<_> =
        (0..2).map(|_| Server::spawn_with(&schema, &github, "127.0.0.1:0", &further).listening()).collect();
    let bound = bound(&schema, &github, &servers[0].api, 5).await;
    let sim = github.sim.sim();
    sim.suspend(bound[0].1, None).unwrap();
    sim.uninstall(bound[1].1).unwrap();
    // Every sweep checks all bindings.
    let missing = "select count(*) from $schema.installations where missing_since is not null";
    while schema.number(missing).await != 1 {
        assert!(sim.count_requests("GET", "/api/v3/app/installations") < 1_000, "never found");
        tokio::task::yield_now().await;
    }
    for (at, expected) in [(0, "suspended"), (1, "active"), (2, "active")] {
        let api = &servers[at % 2].api;
        while status(&bound[at].0, api).await != expected {
            assert!(sim.count_requests("GET", "/api/v3/app/installations") < 1_000, "never found");
            tokio::task::yield_now().await;
        }
    }
    for server in servers {
        assert_eq!(server.end(), Some(0));
    }
}
