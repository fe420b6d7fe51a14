//! Deliveries that GitHub sent while no node ran.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::figures::{Delays, scale};
use super::scene::{Scene, assert_in_order};

const REDELIVER: [&str; 4] = ["--redeliver-every", "1s", "--reconcile-every", "0"];

/// `DOCKLINE_MISSED_DELIVERIES` sets their number.
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_an_outage_are_recovered_once_each_i37() {
    let missed = scale("DOCKLINE_MISSED_DELIVERIES", 60);
    let scene = Scene::start().await;
    let server = scene.node(&[]);
    let listen = server.api.strip_prefix("http://").unwrap().to_owned();
    let names = ["org_a", "org_b", "org_c"];
    let mut installations = Vec::new();
    for name in names {
        installations.push(scene.bind(&server, name).await);
    }
    scene.set_webhook(&server);
    let sim = scene.github.sim.sim();
    sim.settled().await;
    // The events of the bindings, and the ping.
    scene.product.until_different(names.len() + 1, Duration::from_secs(60)).await;
    assert_eq!(server.end(), Some(0));

    // Attempts of the last five minutes are left to the next scan.
    sim.set_clock_offset(-600);
    for number in 0..missed {
        scene.push_at_github(installations[number % names.len()], number);
    }
    sim.settled().await;
    sim.set_clock_offset(0);
    let failed = sim.deliveries().into_iter().filter(|delivery| delivery.event == "push");
    assert_eq!(failed.filter(|delivery| !delivery.outcome.as_ref().unwrap().succeeded()).count(), missed);
    sim.clear_requests();

    let started = Instant::now();
    let first = scene.node_at(&listen, &REDELIVER);
    let second = scene.node(&REDELIVER);
    let all = missed + names.len() + 1;
    scene.product.until_different(all, Duration::from_secs(60 + missed as u64 / 10)).await;
    let took = started.elapsed();
    sim.settled().await;
    let messages = scene.product.messages();
    let requested = sim.count_requests("POST", "/api/v3/app/hook/deliveries/");
    let pages = sim.count_requests("GET", "/api/v3/app/hook/deliveries");
    let delays = Delays::of(messages.iter().map(|message| message.delay()));
    println!(
        "{missed} deliveries failed while no node ran; all arrived within {took:.1?} of the start of two nodes, with \
         {requested} requests to redeliver and {pages} pages of GitHub's log; {} attempts in all; delay from the receipt: {delays}",
        messages.len(),
    );
    assert_eq!(requested, missed, "each is requested once, by one of the nodes");
    let redelivered = sim.deliveries().into_iter().filter(|delivery| delivery.redelivery).count();
    assert_eq!(redelivered, missed);
    assert_eq!(messages.len(), all, "none arrives twice");
    let numbers: BTreeSet<_> =
        messages.iter().filter_map(|message| message.envelope["payload"]["number"].as_u64()).collect();
    assert_eq!(numbers.len(), missed);
    for name in names {
        assert_in_order(&scene.product.accepted(name));
    }
    assert_eq!((first.end(), second.end()), (Some(0), Some(0)));
}
