//! Limits under load: one budget over two nodes, and the limit of failed authentications.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use serde_json::Value;

use crate::http_client::loopback;
use crate::schema::TestSchema;
use crate::server::{Github, Server, Starting, run};

const CALLERS: u32 = 8;

/// Creates a key with a custom tier.
fn key(schema: &TestSchema, writes_per_minute: u32, writes_per_day: u32) -> String {
    let [per_minute, per_day] = [writes_per_minute, writes_per_day].map(|number| number.to_string());
    let create =
        ["keys", "create", "--organization", "org_1", "--name", "One", "--scope", "github:admin", "--json"];
    let tier = [
        "--tier",
        "own",
        "--reads-per-minute",
        "9",
        "--writes-per-minute",
        &per_minute,
        "--writes-per-day",
        &per_day,
    ];
    let made: Value = serde_json::from_slice(&run(schema, &[&create[..], &tier].concat()).stdout).unwrap();
    made["apiKey"].as_str().unwrap().to_owned()
}

/// Sends `calls` writes in all, to all nodes in parallel. Returns how many were allowed, and the duration.
async fn hammer(nodes: &[Server], key: &str, calls: u32) -> (u32, Duration) {
    let left = Arc::new(AtomicU32::new(calls));
    let mut callers = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for caller in 0..CALLERS {
        let node = &nodes[caller as usize % nodes.len()];
        let (url, key, left) = (format!("{}/v1/github/installation", node.api), key.to_owned(), left.clone());
        callers.spawn(async move {
            let http = loopback();
            let mut allowed = 0;
            while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                let request = http.post(&url).bearer_auth(&key).header("content-type", "application/json");
                match request.body("{}").send().await.unwrap().status().as_u16() {
                    422 => allowed += 1,
                    status => assert_eq!(status, 429),
                }
            }
            allowed
        });
    }
    let allowed = callers.join_all().await.into_iter().sum();
    (allowed, begun.elapsed())
}

async fn two_nodes(schema: &TestSchema, github: &Github) -> Vec<Server> {
    let starting: Vec<_> = (0..2).map(|_| Server::spawn(schema, github, "127.0.0.1:0")).collect();
    starting.into_iter().map(Starting::listening).collect()
}

/// I20. The bucket holds the budget of one minute and refills at that rate, so at most the budget plus the refill within the
/// measured time can be allowed.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_allow_one_budget_together() {
    const BUDGET: u32 = 120;
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let nodes = two_nodes(&schema, &github).await;
    for round in 0..3 {
        let key = key(&schema, BUDGET, 100_000);
        let (allowed, took) = hammer(&nodes, &key, 4 * BUDGET).await;
        let back = (f64::from(BUDGET) * took.as_secs_f64() / 60.0).floor();
        println!(
            "round {round}: {allowed} of {} allowed, {BUDGET} and at most {back} within {took:?}",
            4 * BUDGET
        );
        assert!(allowed >= BUDGET && f64::from(allowed) <= f64::from(BUDGET) + back);
        // Two separate budgets would allow twice as many.
        assert!(allowed < 2 * BUDGET);
    }
}

/// I20, for the daily budget, which refills only at midnight.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_allow_one_day_together() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let nodes = two_nodes(&schema, &github).await;
    let key = key(&schema, 100_000, 150);
    let day = || async { schema.number("select floor(extract(epoch from now()) / 86400)::bigint").await };
    let before = day().await;
    let (allowed, took) = hammer(&nodes, &key, 600).await;
    println!("{allowed} of 600 allowed within {took:?}");
    if day().await == before {
        assert_eq!(allowed, 150);
    } else {
        assert!((150..=300).contains(&allowed), "{allowed}");
    }
}

/// The default limit, a configured one behind a trusted proxy, and none. The last uses the option's alias.
#[tokio::test(flavor = "multi_thread")]
async fn failed_authentications_are_limited_by_address_and_valid_keys_are_not() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let good = schema.key("org_1").await;
    let http = loopback();
    let ask = async |server: &Server, key: &str, client: &str| {
        let url = format!("{}/v1/whoami", server.api);
        let answer = http.get(url).bearer_auth(key).header("x-forwarded-for", client).send().await.unwrap();
        let wait =
            answer.headers().get("retry-after").map(|wait| wait.to_str().unwrap().parse::<u32>().unwrap());
        (answer.status().as_u16(), wait)
    };
    let plain = Server::start(&schema, &github, "127.0.0.1:0");
    let mut refused = 0;
    // Without trusted proxies the header is ignored.
    while ask(&plain, "lp_live_guess", &format!("192.0.2.{}", refused % 250)).await.0 == 401 {
        refused += 1;
        assert!(refused < 1_000, "never limited");
    }
    assert!(refused >= 60, "{refused}");
    assert_eq!(ask(&plain, good.expose_secret(), "192.0.2.1").await, (200, None));

    let further = ["--auth-failures-per-minute", "1", "--trusted-proxies", "10.0.0.0/8,127.0.0.1"];
    let trusting = Server::spawn_with(&schema, &github, "127.0.0.1:0", &further).listening();
    assert_eq!(ask(&trusting, "lp_live_guess", "192.0.2.1").await, (401, None));
    let (status, wait) = ask(&trusting, "lp_live_guess", "192.0.2.1").await;
    assert!(status == 429 && wait.is_some_and(|wait| (50..=60).contains(&wait)), "{status} {wait:?}");
    assert_eq!(ask(&trusting, "lp_live_guess", "192.0.2.2").await, (401, None));
    assert_eq!(ask(&trusting, good.expose_secret(), "192.0.2.1").await, (200, None));

    let off = Server::spawn_with(&schema, &github, "127.0.0.1:0", &["--guesses-per-minute", "0"]).listening();
    for _ in 0..150 {
        assert_eq!(ask(&off, "lp_live_guess", "192.0.2.1").await, (401, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_headers_are_those_of_the_option() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let key = schema.key("org_1").await;
    let http = loopback();
    for (further, refused, ignored) in [
        (&[][..], "x-layers-organization", "x-tenant"),
        (&["--tenant-header", "X-Tenant"], "x-tenant", "x-layers-organization"),
    ] {
        let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", further).listening();
        for (header, organization, status) in
            [(refused, "org_2", 403), (refused, "org_1", 200), (ignored, "org_2", 200)]
        {
            let request = http.get(format!("{}/v1/whoami", server.api)).bearer_auth(key.expose_secret());
            let answer = request.header(header, organization).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{further:?} {header}: {organization}");
        }
    }
}
