//! Every response to a valid key has the rate-limit headers, whatever the outcome.

use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{BindingRepo, MockBindingRepo};
use dockline::{Ports, Tier};
use dockline_axum::RouterOptions;
use dockline_testkit::faults::{Fault, Faulty};
use http::HeaderMap;

use crate::fixture::{INSTALL_URL, INSTALLATION, REPOS, tenant};
use crate::in_process::{InProcess, bearer};

const PEER: &str = "192.0.2.1:1";
const JSON: (&str, &str) = ("content-type", "application/json");

/// Asserts the four headers, each once and consistent; returns the remaining requests.
#[track_caller]
fn assert_budget(headers: &HeaderMap, class: &str, limit: u32) -> u32 {
    let number = |name: &str| -> u32 {
        assert_eq!(headers.get_all(name).iter().count(), 1, "{name} {headers:?}");
        headers[name].to_str().unwrap().parse().unwrap()
    };
    assert_eq!(headers["x-ratelimit-endpoint-class"], class);
    assert_eq!(number("x-ratelimit-limit"), limit);
    let (remaining, reset) = (number("x-ratelimit-remaining"), number("x-ratelimit-reset"));
    assert!(remaining <= limit && (remaining == limit) == (reset == 0), "{headers:?}");
    remaining
}

#[tokio::test]
async fn every_response_of_a_route_has_the_budget() {
    let in_process = InProcess::with(RouterOptions::default());
    let key = bearer(&in_process.acme);
    let post = format!(r#"{{"installationId":1,"state":"{}"}}"#, "s".repeat(20));
    let large = format!("\"{}\"", "x".repeat(20_000));
    let foreign = format!("{INSTALL_URL}?returnUrl=https://evil.example/");
    let good = format!("{INSTALL_URL}?returnUrl=https://app.example.com/");
    let (read, write) = (("read-light", 6_000), ("write-light", 3_000));
    for (method, path, header, body, status, (class, limit)) in [
        ("GET", "/v1/whoami", JSON, "", 200, read),
        ("HEAD", "/v1/whoami", JSON, "", 200, read),
        ("GET", &good, JSON, "", 200, read),
        ("GET", &foreign, JSON, "", 403, read),
        ("GET", INSTALL_URL, JSON, "", 422, read),
        ("GET", INSTALLATION, JSON, "", 404, read),
        ("GET", REPOS, JSON, "", 404, read),
        ("POST", INSTALLATION, ("content-type", "text/plain"), "{}", 415, write),
        ("POST", INSTALLATION, JSON, &large, 413, write),
        ("POST", INSTALLATION, JSON, "{", 422, write),
        ("POST", INSTALLATION, JSON, &post, 422, write),
        ("DELETE", INSTALLATION, JSON, "", 404, write),
        ("DELETE", &format!("{INSTALLATION}?uninstall=perhaps"), JSON, "", 422, write),
    ] {
        let response = in_process.send(PEER, method, path, &[("authorization", &key), header], body).await;
        assert_eq!(response.status, status, "{method} {path} {response:?}");
        assert_budget(&response.headers, class, limit);
    }
}

#[tokio::test]
async fn errors_after_the_key_check_have_the_budget() {
    let in_process = InProcess::with(RouterOptions::default());
    let powerless = tenant(&in_process.keys, "org_less", "Less", |record| record.scopes.clear());
    let forbidden = in_process.get(PEER, INSTALLATION, &bearer(&powerless)).await;
    assert_eq!((forbidden.status, assert_budget(&forbidden.headers, "read-light", 6_000)), (403, 6_000));
    let few = tenant(&in_process.keys, "org_few", "Few", |record| {
        record.tier = Tier { reads_per_minute: 1, ..Tier::standard() };
    });
    assert_eq!(in_process.get(PEER, INSTALLATION, &bearer(&few)).await.status, 404);
    let limited = in_process.get(PEER, INSTALLATION, &bearer(&few)).await;
    assert_eq!((limited.status, assert_budget(&limited.headers, "read-light", 1)), (429, 0));
    assert_eq!(limited.wait(), 60);
}

fn with_bindings(ports: Ports, bindings: impl FnOnce(Arc<dyn BindingRepo>) -> Arc<dyn BindingRepo>) -> Ports {
    let bindings = bindings(Arc::clone(&ports.bindings));
    Ports { bindings, ..ports }
}

#[tokio::test(start_paused = true)]
async fn internal_errors_panics_and_timeouts_have_the_budget() {
    let options = || RouterOptions::default().with_deadline(Duration::from_secs(5));
    let faulty = |fault: Fault| {
        move |bindings| -> Arc<dyn BindingRepo> { Arc::new(Faulty::over(bindings).with(fault.always())) }
    };
    let broken = InProcess::over_ports(options(), |ports| with_bindings(ports, faulty(Fault::FailsBefore)));
    let slow = faulty(Fault::Slow(Duration::from_secs(9)));
    let slow = InProcess::over_ports(options(), |ports| with_bindings(ports, slow));
    let panics =
        InProcess::over_ports(options(), |ports| with_bindings(ports, |_| Arc::new(MockBindingRepo::new())));
    for (in_process, status) in [(broken, 503), (slow, 503), (panics, 500)] {
        let response = in_process.get(PEER, INSTALLATION, &bearer(&in_process.acme)).await;
        assert_eq!(response.status, status, "{response:?}");
        assert_eq!(assert_budget(&response.headers, "read-light", 6_000), 5_999);
    }
}

#[tokio::test]
async fn without_a_valid_key_there_is_no_budget() {
    let in_process = InProcess::with(RouterOptions::default());
    for path in [INSTALLATION, "/nowhere", "/healthz", "/v1/github/installation/callback"] {
        let response = in_process.get(PEER, path, "").await;
        assert!(
            !response.headers.keys().any(|name| name.as_str().starts_with("x-ratelimit")),
            "{path} {response:?}"
        );
    }
}
