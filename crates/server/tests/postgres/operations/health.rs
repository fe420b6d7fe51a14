//! `/readyz` of `dockline serve`, also during shutdown.

use std::time::{Duration, Instant};

use dockline_github_sim::{Fault, FaultRule};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::http_client::loopback;
use crate::schema::TestSchema;
use crate::server::{Github, Server};

/// Only a failing test waits this long.
const LONG: Duration = Duration::from_secs(30);

/// Returns the status of `/readyz`, and name and cause of each check.
async fn ready(api: &str) -> (u16, Vec<(String, Option<String>)>) {
    let answer = loopback().get(format!("{api}/readyz")).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    for secret in ["127.0.0.1", "postgres", "test_"] {
        assert!(!text.contains(secret), "{text}");
    }
    let body: Value = serde_json::from_str(&text).unwrap();
    let checks = if status == 200 { &body["checks"] } else { &body["error"]["details"]["checks"] };
    if status != 200 {
        assert_eq!(body["error"]["code"], "UNAVAILABLE", "{text}");
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let checks = checks.as_array().unwrap().iter();
    (status, checks.map(|check| (text(&check["name"]).unwrap(), text(&check["cause"]))).collect())
}

/// Waits until exactly these checks fail.
async fn until_failing(api: &str, expected: &[(&str, &str)]) {
    let began = Instant::now();
    loop {
        let (status, checks) = ready(api).await;
        let failing: Vec<_> =
            checks.iter().filter_map(|(name, cause)| Some((name.as_str(), cause.as_deref()?))).collect();
        assert_eq!(status == 200, failing.is_empty(), "{checks:?}");
        if failing == expected {
            return;
        }
        assert!(began.elapsed() < LONG, "{failing:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A connection to the database that can be cut.
struct Link {
    url: String,
    forwarding: JoinHandle<()>,
}

impl Link {
    async fn to(schema: &TestSchema) -> Self {
        let url = schema.url.expose_secret();
        let (before, after) = url.split_once('@').unwrap();
        let (target, after) = after.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{before}@{}/{after}", listener.local_addr().unwrap());
        let target = target.to_owned();
        let forwarding = tokio::spawn(async move {
            let mut running = tokio::task::JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let target = target.clone();
                running.spawn(async move {
                    let mut server = TcpStream::connect(target).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { url, forwarding }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn node_is_ready_if_all_checks_pass_and_names_the_failing_ones() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let link = Link::to(&schema).await;
    let further = ["--database-url", link.url.as_str()];
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &further).listening();
    until_failing(&server.api, &[]).await;
    let (_, checks) = ready(&server.api).await;
    let names: Vec<_> = checks.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["process", "database", "schema", "github"]);

    schema.execute("alter table $schema.migrations rename to moved").await;
    until_failing(&server.api, &[("schema", "not_migrated")]).await;
    // The migrations of the next release leave this one working.
    let newer =
        "insert into $schema.moved select max(version) + 1, 'later', '', max(applied_at) from $schema.moved";
    schema.execute(newer).await;
    schema.execute("alter table $schema.moved rename to migrations").await;
    until_failing(&server.api, &[]).await;

    link.forwarding.abort();
    until_failing(&server.api, &[("database", "unreachable"), ("schema", "unknown")]).await;
    let healthy = loopback().get(format!("{}/healthz", server.api)).send().await.unwrap();
    assert_eq!(healthy.status().as_u16(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_credential_makes_a_node_unready_unless_github_is_ignored() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let app_is_refused_after = |first: u32| {
        let sim = github.sim.sim();
        sim.clear_faults();
        sim.set_fault(FaultRule::new(Fault::Slow { ms: 0 }).for_path("/api/v3/app").times(first));
        sim.set_fault(FaultRule::new(Fault::Status { code: 401 }).for_path("/api/v3/app"));
    };
    // GitHub accepts the credential at the start, and rejects it afterwards.
    app_is_refused_after(1);
    let app = github.app.app_id.to_string();
    let further = ["--github-app-id", app.as_str()];
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &further).listening();
    until_failing(&server.api, &[("github", "refused")]).await;
    let asked = github.sim.sim().count_requests("GET", "/api/v3/app");
    for _ in 0..100 {
        ready(&server.api).await;
    }
    assert_eq!(github.sim.sim().count_requests("GET", "/api/v3/app"), asked, "probes make no call to GitHub");

    app_is_refused_after(1);
    let further = ["--github-app-id", app.as_str(), "--ready-github-within", "0"];
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &further).listening();
    until_failing(&server.api, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_reports_not_ready_during_drain_delay_and_exits_at_the_second_signal() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let further = ["--drain-delay", "1h"];
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &further).listening();
    until_failing(&server.api, &[]).await;
    server.terminate();
    until_failing(&server.api, &[("process", "shutting_down")]).await;
    // Other requests are still served.
    let whoami = loopback().get(format!("{}/v1/whoami", server.api)).send().await.unwrap();
    assert_eq!(whoami.status().as_u16(), 401);
    let began = Instant::now();
    server.terminate();
    assert_eq!(server.ended(), Some(1));
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
}
