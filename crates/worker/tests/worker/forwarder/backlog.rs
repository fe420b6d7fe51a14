//! A host that consumes the outbox itself: its worker measures the backlog, and notices that nothing consumes it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use dockline_memory::MemoryBindingRepo;
use dockline_worker::Worker;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::{Scene, seconds};
use crate::github;
use crate::scene::dockline;

/// The lines of the log.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn warnings(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains("waited for more than a day"));
        lines.map(str::to_owned).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn backlog_that_nothing_consumes_is_measured_and_reported_once_an_hour() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _logging = tracing::subscriber::set_default(lines);

    let scene = Scene::new();
    scene.add("acme", 2);
    let (dockline, _) = dockline(Arc::new(github::Scripted::new(&[])), Arc::new(MemoryBindingRepo::new()));
    let worker =
        Worker::builder(dockline).with_clock(scene.clock.clone()).with_backlog(scene.outbox.clone()).build();
    let (_shutdown, stopped) = oneshot::channel();
    let _worker = tokio::spawn(worker.run_until(async { stopped.await.unwrap() }));

    sleep(seconds(24 * 3_600 - 30)).await;
    assert_eq!(log.warnings(), [""; 0]);
    sleep(seconds(60)).await;
    let warnings = log.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("WARN") && warnings[0].contains("waiting=2"), "{warnings:?}");
    let text = metrics.render();
    assert!(text.contains(r#"dockline_outbox_messages{status="waiting"} 2"#), "{text}");
    let age = text.lines().find_map(|line| line.strip_prefix("dockline_outbox_oldest_seconds ")).unwrap();
    assert!(age.parse::<f64>().unwrap() >= 86_400.0, "{age}");
    sleep(seconds(2 * 3_600)).await;
    assert_eq!(log.warnings().len(), 3);
    assert_eq!(scene.outbox.calls("lease"), 0);
}
