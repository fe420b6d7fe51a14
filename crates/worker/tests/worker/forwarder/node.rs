//! A node that is idle or shuts down, and its metrics.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{Clock, DeliveryOutcome, DeliveryStore};
use dockline::{AppId, DeliveryGuid, EntryStatus, PortError, VerifiedDelivery};
use dockline_worker::{ForwardOptions, OutboxSignal};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::sleep;

use super::product::Answer;
use super::{Scene, seconds};

#[tokio::test(start_paused = true)]
async fn idle_node_looks_once_per_pause_and_at_once_after_a_signal() {
    #[derive(Debug)]
    struct Store(DeliveryOutcome);
    #[async_trait]
    impl DeliveryStore for Store {
        async fn store<'a>(&self, _: VerifiedDelivery<'a>) -> Result<DeliveryOutcome, PortError> {
            Ok(self.0.clone())
        }
    }
    let scene = Scene::new();
    let signal = OutboxSignal::default();
    let node = scene.start_with(ForwardOptions::default().with_signal(signal.clone()));
    sleep(seconds(100)).await;
    let looks = scene.outbox.calls("lease");
    assert!((75..=140).contains(&looks), "{looks}");
    node.shut_down(seconds(10)).await;

    let options = ForwardOptions::default().with_idle_pause(seconds(1_000)).with_signal(signal.clone());
    let _node = scene.start_with(options);
    sleep(seconds(10)).await;
    let delivery = || VerifiedDelivery {
        app: AppId::new(7).unwrap(),
        installation: None,
        event: "ping",
        action: None,
        guid: DeliveryGuid::new("a").unwrap(),
        received_at: scene.clock.now(),
        body: b"{}",
    };
    scene.add("a", 1);
    signal.after(Arc::new(Store(DeliveryOutcome::Unbound))).store(delivery()).await.unwrap();
    sleep(seconds(10)).await;
    assert_eq!(scene.product.received(), []);
    signal.after(Arc::new(Store(DeliveryOutcome::Stored))).store(delivery()).await.unwrap();
    sleep(seconds(1)).await;
    assert_eq!(scene.product.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_attempts_releases_queues_and_begins_no_attempt() {
    let scene = Scene::new();
    scene.add("quick", 9);
    scene.product.answer("quick", Answer::After(seconds(3)));
    let node = scene.start();
    scene.product.until_received(1).await;
    assert!(node.shut_down(seconds(10)).await <= seconds(3));
    assert_eq!(scene.product.received().len(), 1);
    assert_eq!(scene.outbox.entry("quick", 1).status, EntryStatus::Done);
    assert!(!scene.outbox.is_leased("quick", scene.clock.now()));

    // An attempt that takes too long is cut off, does not count, and its queue is released, too.
    let scene = Scene::new();
    scene.add("never", 1);
    scene.product.answer("never", Answer::Never);
    let node = scene.start();
    scene.product.until_received(1).await;
    let took = node.shut_down(seconds(10)).await;
    assert_eq!(took.as_secs(), 9);
    let entry = scene.outbox.entry("never", 1);
    assert_eq!((entry.status, entry.failures.attempts), (EntryStatus::Waiting, 0));
    assert!(!scene.outbox.is_leased("never", scene.clock.now()));
    // The next node sends it again at once.
    scene.product.answer("never", Answer::Status(200));
    let _node = scene.start();
    sleep(seconds(1)).await;
    assert_eq!(scene.outbox.entry("never", 1).status, EntryStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn idle_or_failing_forwarder_does_not_delay_the_shutdown() {
    let scene = Scene::new();
    let node = scene.start();
    sleep(seconds(10)).await;
    assert_eq!(node.shut_down(seconds(10)).await, Duration::ZERO);
    scene.outbox.fail(true);
    let node = scene.start();
    sleep(seconds(10)).await;
    assert_eq!(node.shut_down(seconds(10)).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn attempts_and_backlog_are_measured() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let scene = Scene::new();
    for (name, answer) in [
        ("good", Answer::Status(200)),
        ("bad", Answer::Status(500)),
        ("busy", Answer::Status(429)),
        ("strict", Answer::Status(410)),
        ("bug", Answer::Panic),
        ("never", Answer::Never),
    ] {
        scene.add(name, 2);
        scene.product.answer(name, answer);
    }
    let node = scene.start();
    sleep(seconds(16)).await;
    let text = metrics.render();
    for expected in [
        r#"dockline_forward_attempt_duration_seconds_count{outcome="accepted"} 2"#,
        "dockline_forward_message_duration_seconds_count 2",
        "dockline_forward_in_flight 1",
        r#"dockline_outbox_messages{status="set_aside"}"#,
        r#"dockline_outbox_messages{status="dead"} 0"#,
        "dockline_outbox_oldest_seconds 15",
    ] {
        assert!(text.contains(expected), "{expected} is missing in {text}");
    }
    for outcome in ["failed", "limited", "refused", "no_answer"] {
        let series = format!(r#"dockline_forward_attempt_duration_seconds_count{{outcome="{outcome}"}}"#);
        assert!(text.contains(&series), "{series} is missing in {text}");
    }
    node.shut_down(seconds(2)).await;
    let text = metrics.render();
    assert!(text.contains("dockline_forward_in_flight 0"), "{text}");
    assert!(text.contains(r#"outcome="cut_off""#), "{text}");
}
