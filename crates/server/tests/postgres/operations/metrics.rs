//! `/metrics` of a running `serve`.

use std::collections::{BTreeMap, BTreeSet};

use dockline_github_sim::{Fault, FaultRule};

use super::exposition::{self, Family};
use crate::api::Backend;
use crate::http_client::loopback;
use crate::schema::TestSchema;
use crate::server::{Github, Server};

const PAGE: &str = include_str!("../../../../../docs/metrics.md");

async fn get(url: &str) -> (u16, String) {
    let response = loopback().get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Returns the labels that the page documents for each metric.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `dockline_"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let labels = cells[3].split(',').map(|label| label.trim().trim_matches('`').to_owned());
        (cells[1].trim_matches('`').to_owned(), labels.filter(|label| !label.is_empty()).collect())
    })
    .collect()
}

/// Scrapes until `done`, because some metrics are recorded after the response.
async fn scraped(url: &str, done: impl Fn(&BTreeMap<String, Family>) -> bool) -> String {
    for _ in 0..10_000 {
        let (status, text) = get(url).await;
        assert_eq!(status, 200, "{text}");
        if done(&exposition::read(&text)) {
            return text;
        }
        tokio::task::yield_now().await;
    }
    panic!("never: {}", get(url).await.1)
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_reported_in_prometheus_format() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let further = ["--reconcile-every", "1s", "--reconcile-unverified-for", "0"];
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &further).listening();
    let sim = github.sim.sim();
    let hook = format!("{}/v1/github/webhooks", server.api);
    sim.set_webhook_url(github.app.app_id, Some(&hook)).unwrap();
    let backend = Backend::new(schema.key("org_acme").await);
    let installation = github.install("acme");
    let state = backend.state(&server.api).await;
    assert_eq!(backend.register(&server.api, installation, &state).await.unwrap().status, 201);
    assert_eq!(backend.register(&server.api, installation, &state).await.unwrap().status, 201);
    assert_eq!(backend.register(&server.api, installation + 1, &state).await.unwrap().status, 409);
    for _ in 0..2 {
        assert_eq!(backend.repositories(&server.api).await.unwrap().status, 200);
    }
    let rival = Backend::new(schema.key("org_rival").await);
    let state = rival.state(&server.api).await;
    assert_eq!(rival.register(&server.api, installation, &state).await.unwrap().status, 422);
    sim.set_fault(FaultRule::new(Fault::Status { code: 502 }).for_path("/api/v3/app/installations/4242"));
    assert_eq!(rival.register(&server.api, 4_242, &state).await.unwrap().status, 502);
    sim.suspend(installation, None).unwrap();
    sim.settled().await;

    let url = format!("{}/metrics", server.api);
    assert_eq!(server.metrics.as_deref(), Some(&*url), "beside the API, which listens on a loopback address");
    let sum = |families: &BTreeMap<String, Family>, name: &str, having: &[&str]| {
        families.get(name).map_or(0.0, |family| family.sum(having))
    };
    let text = scraped(&url, |told| {
        sum(told, "dockline_refreshes_total", &["done"]) >= 1.0
            && sum(told, "dockline_sweep_bindings_total", &[]) >= 1.0
            && sum(told, "dockline_sweeps_total", &["through"]) >= 1.0
            && sum(told, "dockline_events_total", &["suspended"]) >= 1.0
            && told.contains_key("dockline_bindings")
    })
    .await;
    let told = exposition::read(&text);
    for (name, having, least) in [
        ("dockline_http_requests_total", &["status=\"201\"", "route=\"/v1/github/installation\""][..], 2.0),
        ("dockline_http_requests_total", &["code=\"PLATFORM_ERROR\""], 1.0),
        ("dockline_http_requests_total", &["code=\"CONFLICT\""], 1.0),
        ("dockline_http_request_duration_seconds", &["/v1/github/installation"], 5.0),
        ("dockline_events_total", &["registered", "state"], 1.0),
        ("dockline_events_total", &["refused", "taken"], 1.0),
        ("dockline_webhook_deliveries_total", &["installation", "taken"], 1.0),
        ("dockline_port_call_duration_seconds", &["admission", "admit", "ok"], 6.0),
        ("dockline_port_call_duration_seconds", &["github_gateway", "installation", "unavailable"], 1.0),
        ("dockline_batches_total", &["admission"], 1.0),
        ("dockline_batched_calls_total", &["admission"], 6.0),
        ("dockline_github_call_duration_seconds", &["operation=\"mint\"", "ok"], 1.0),
        ("dockline_github_call_duration_seconds", &["server_error"], 1.0),
        ("dockline_github_jwt_signatures_total", &[], 1.0),
        ("dockline_github_rate_limit_remaining", &[], 1.0),
        ("dockline_tokens_minted_total", &[], 1.0),
        ("dockline_database_pool_max_connections", &[], 8.0),
        ("dockline_database_pool_connections", &["idle"], 1.0),
        ("dockline_sweep_bindings_total", &[], 1.0),
        ("dockline_build_info", &["version"], 1.0),
    ] {
        assert!(sum(&told, name, having) >= least, "{name} {having:?}\n{text}");
    }
    let documented = documented();
    for (name, family) in &told {
        let labels = documented.get(name).unwrap_or_else(|| panic!("{name} is not documented"));
        assert_eq!(family.labels(), *labels, "{name}");
    }
    if let Some(said) = exposition::promtool(&text) {
        assert_eq!(said, "Some(0) ", "promtool objects");
    }
    assert!(!text.contains("org_acme") && !text.contains(&installation.to_string()), "{text}");
    assert_eq!(server.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_served_at_the_configured_address_and_not_in_public_by_default() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let at = async |listen: &str, further: &[&str]| {
        let server = Server::spawn_with(&schema, &github, listen, further).listening();
        let beside = get(&format!("{}/metrics", server.api)).await.0;
        (server.metrics.clone(), beside, server)
    };
    let (apart, beside, server) = at("127.0.0.1:0", &["--metrics-listen", "127.0.0.1:0"]).await;
    let apart = apart.unwrap();
    assert!(!apart.starts_with(&server.api));
    let (status, text) = get(&apart).await;
    assert_eq!((status, beside), (200, 404));
    exposition::read(&text);
    assert_eq!(get(&apart.replace("/metrics", "/v1/whoami")).await.0, 404);
    for (listen, further, expected) in [
        ("127.0.0.1:0", &["--metrics-listen", "off"][..], 404),
        ("0.0.0.0:0", &[], 404),
        ("0.0.0.0:0", &["--metrics-listen", "api"], 200),
    ] {
        let (told, beside, _server) = at(listen, further).await;
        assert_eq!((told.is_some(), beside), (expected == 200, expected), "{listen} {further:?}");
    }
}
