//! `redeliver`: scans of GitHub's delivery log.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, Clock, DeliveryLog, DeliveryLogPage, DeliveryOutcome, DeliveryStore, LoggedDelivery,
    RedeliverOutcome, RedeliveryStore, ScanPosition,
};
use dockline::{
    AccountId, AppId, DeliveryGuid, InstallationId, InstallerRecord, OutboxBounds, PortError, PortErrorKind,
    PortName, RedeliveryReport, VerifiedDelivery,
};
use dockline_memory::{MemoryBindingRepo, MemoryOutbox, MemoryRedeliveryStore};
use dockline_testkit::fixtures::NOON;
use time::{Duration, OffsetDateTime};

use crate::support::World;

const RESERVE_PERCENT: u8 = 25;

/// GitHub's log in memory. Each redelivery is answered with the next of `answers`, or 202.
#[derive(Debug, Default)]
struct Log(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    /// Oldest first.
    attempts: Vec<LoggedDelivery>,
    page: usize,
    answers: VecDeque<u16>,
    now: Option<OffsetDateTime>,
    requested: Vec<String>,
    pages: usize,
    rejects_cursors: bool,
    refuses: bool,
    failure: Option<PortErrorKind>,
    installer: Option<InstallerRecord>,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap()
    }

    fn add(&self, guid: &str, at: OffsetDateTime, status: u16) {
        let mut entries = self.lock();
        let id = 1_000 + entries.attempts.len() as u64;
        entries.attempts.push(LoggedDelivery {
            id,
            guid: guid.to_owned(),
            delivered_at: at,
            status,
            event: "push".to_owned(),
            action: None,
            installation: None,
        });
    }

    fn requested(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().requested)
    }
}

impl Entries {
    fn fail(&self) -> Result<(), PortError> {
        let error = |kind| PortError::new(PortName::GithubGateway, kind, "scripted");
        self.failure.map_or(Ok(()), |kind| Err(error(kind)))
    }
}

#[async_trait]
impl DeliveryLog for Log {
    async fn page(&self, cursor: Option<String>) -> Result<Option<DeliveryLogPage>, PortError> {
        let mut entries = self.lock();
        entries.fail()?;
        entries.pages += 1;
        if cursor.is_some() && entries.rejects_cursors {
            return Ok(None);
        }
        // Like GitHub's, a cursor names the attempt at which the page starts, so new attempts do not shift it.
        let newest = entries.attempts.len();
        let end = cursor.map_or(newest, |cursor| cursor.parse().unwrap());
        let start = end.saturating_sub(entries.page.max(1));
        let deliveries = entries.attempts[start..end].iter().rev().cloned().collect();
        Ok(Some(DeliveryLogPage { deliveries, next: (start > 0).then(|| start.to_string()) }))
    }

    async fn redeliver(&self, id: u64) -> Result<RedeliverOutcome, PortError> {
        let mut entries = self.lock();
        entries.fail()?;
        if entries.refuses {
            return Ok(RedeliverOutcome::Refused);
        }
        let original = entries.attempts.iter().find(|attempt| attempt.id == id).unwrap().clone();
        entries.requested.push(original.guid.clone());
        let status = entries.answers.pop_front().unwrap_or(202);
        let id = 1_000 + entries.attempts.len() as u64;
        let delivered_at = entries.now.unwrap();
        entries.attempts.push(LoggedDelivery { id, delivered_at, status, ..original });
        Ok(RedeliverOutcome::Accepted)
    }

    async fn installer(&self, _: u64, _: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        Ok(self.lock().installer)
    }
}

struct Scene {
    world: World,
    log: Log,
    store: MemoryRedeliveryStore,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { world: World::new(), log: Log::default(), store: MemoryRedeliveryStore::new() };
        scene.log.lock().page = 100;
        scene.at(Duration::ZERO);
        scene
    }

    /// Sets the time after noon.
    fn at(&self, time: Duration) {
        self.world.set_time(NOON + time);
        self.log.lock().now = Some(self.world.clock.now());
    }

    async fn scan(&self) -> RedeliveryReport {
        self.try_scan().await.unwrap().unwrap()
    }

    async fn try_scan(&self) -> Result<Option<RedeliveryReport>, PortError> {
        self.world.dockline.redeliver(&self.log, &self.store, RESERVE_PERCENT).await
    }

    /// Scans every three minutes until the time after noon, and returns the GUIDs that were requested.
    async fn scan_until(&self, end: Duration) -> Vec<String> {
        while self.world.clock.now() < NOON + end {
            self.at(self.world.clock.now() - NOON + Duration::minutes(3));
            self.scan().await;
        }
        self.log.requested()
    }
}

fn minutes(minutes: i64) -> OffsetDateTime {
    NOON + Duration::minutes(minutes)
}

#[tokio::test]
async fn failed_deliveries_are_requested_once_oldest_first() {
    let scene = Scene::new();
    for (guid, minute, status) in
        [("first", -20, 503), ("fine", -19, 202), ("second", -18, 0), ("third", -17, 500), ("new", -4, 503)]
    {
        scene.log.add(guid, minutes(minute), status);
    }
    let report = scene.scan().await;
    assert_eq!((report.read, report.requested, report.complete), (5, 3, true));
    assert_eq!(scene.log.requested(), ["first", "second", "third"]);
    // The attempt that was too new is requested by the next scan, and the others only once.
    assert_eq!(scene.scan_until(Duration::HOUR).await, ["new"]);
}

#[tokio::test]
async fn delivery_that_the_outbox_has_is_not_requested_but_counted() {
    let outbox = MemoryOutbox::open(&MemoryBindingRepo::new(), OutboxBounds::default());
    let store = MemoryRedeliveryStore::new().with_outbox(&outbox);
    let scene = Scene { store, ..Scene::new() };
    // GitHub may see a failure, for example a timeout, after the delivery was stored.
    let guids = [1, 2, 3].map(|number| format!("00000000-0000-4000-8000-00000000000{number}"));
    for (guid, minute) in guids.iter().zip([-20, -19, -18]) {
        scene.log.add(guid, minutes(minute), 503);
    }
    for guid in &guids[1..] {
        let delivery = VerifiedDelivery {
            app: AppId::new(1).unwrap(),
            installation: None,
            event: "ping",
            action: None,
            guid: DeliveryGuid::new(guid).unwrap(),
            received_at: NOON,
            body: guid.as_bytes(),
        };
        assert_eq!(outbox.store(delivery).await.unwrap(), DeliveryOutcome::Stored);
    }
    let report = scene.scan().await;
    assert_eq!((report.read, report.requested, report.received), (3, 1, 2));
    assert_eq!(scene.log.requested(), guids[..1]);
}

#[tokio::test]
async fn delivery_with_one_successful_attempt_is_not_requested() {
    let scene = Scene::new();
    for (guid, minute, status) in [("a", -30, 202), ("b", -29, 503), ("a", -28, 503), ("b", -27, 204)] {
        scene.log.add(guid, minutes(minute), status);
    }
    // A redelivery by hand that is under way: only the next scan can judge it.
    scene.log.add("c", minutes(-26), 503);
    scene.log.add("c", minutes(-1), 202);
    assert_eq!(scene.scan().await.requested, 0);
    assert!(scene.scan_until(Duration::HOUR).await.is_empty());
}

#[tokio::test]
async fn rejected_deliveries_are_not_requested_but_limited_ones_are() {
    let scene = Scene::new();
    for status in [400, 401, 404, 408, 413, 425, 429, 500] {
        scene.log.add(&status.to_string(), minutes(-30), status);
    }
    scene.scan().await;
    assert_eq!(scene.log.requested(), ["408", "425", "429", "500"]);
}

#[tokio::test]
async fn delivery_that_keeps_failing_is_requested_three_times() {
    let scene = Scene::new();
    scene.log.lock().answers = [503; 10].into();
    scene.log.add("lost", minutes(-10), 503);
    assert_eq!(scene.scan_until(Duration::hours(3)).await, ["lost"; 3]);
    // It stays in the log; no later scan of a node without memory requests it again either.
    scene.store.lease(1, scene.world.clock.now(), scene.world.clock.now()).await.unwrap();
    assert!(scene.store.release(1, &ScanPosition::default()).await.unwrap());
    let report = scene.scan().await;
    assert_eq!((report.requested, report.given_up), (0, 1));
}

#[tokio::test]
async fn long_log_is_read_in_several_scans_and_nothing_is_skipped() {
    let scene = Scene::new();
    scene.log.lock().page = 10;
    let expected: Vec<String> = (0..650).map(|number| format!("guid-{number:03}")).collect();
    for (number, guid) in (0..).zip(&expected) {
        scene.log.add(guid, minutes(-600) + Duration::SECOND * number, 503);
    }
    let report = scene.scan().await;
    assert_eq!((report.read, report.requested, report.complete), (200, 200, false));
    assert_eq!(report.behind, Duration::days(3).unsigned_abs());
    let mut requested = scene.log.requested();
    // Deliveries that arrive meanwhile are read after the interrupted scan.
    scene.log.add("late", minutes(1), 503);
    requested.extend(scene.scan_until(Duration::HOUR).await);
    requested.sort();
    let mut expected = expected;
    expected.push("late".to_owned());
    assert_eq!(requested, expected);
    assert_eq!(scene.scan().await, RedeliveryReport { complete: true, ..RedeliveryReport::default() });
}

#[tokio::test]
async fn failures_behind_many_new_attempts_are_found_while_ever_more_arrive() {
    let scene = Scene::new();
    scene.log.lock().page = 10;
    for number in 0..30 {
        scene.log.add(&format!("old-{number}"), minutes(-10) + Duration::SECOND * number, 503);
    }
    // 400 attempts a minute; a scan reads 200, and follows the one before after 20 seconds. Each hundredth fails.
    let (mut requested, mut number) = (Vec::new(), 0);
    let mut arrive = |to: OffsetDateTime| {
        loop {
            let at = minutes(-5) + Duration::milliseconds(150) * number;
            if at > to {
                return;
            }
            let (guid, status) = if number % 100 == 0 { ("failed", 503) } else { ("fine", 202) };
            scene.log.add(&format!("{guid}-{number}"), at, status);
            number += 1;
        }
    };
    for round in 0..200 {
        scene.at(Duration::seconds(20) * round);
        if round < 90 {
            arrive(scene.world.clock.now());
        }
        scene.scan().await;
        let old = requested.iter().filter(|guid: &&String| guid.starts_with("old-")).count();
        assert!(round < 15 || old == 30, "{old} of the old ones in round {round}");
        requested.extend(scene.log.requested());
    }
    requested.sort();
    let attempts = scene.log.lock().attempts.clone();
    let failed = attempts.into_iter().filter(|attempt| attempt.status == 503);
    let mut expected: Vec<_> = failed.map(|attempt| attempt.guid).collect();
    expected.sort();
    assert!(expected.len() > 150, "{}", expected.len());
    assert_eq!(requested, expected, "each once");
}

#[tokio::test]
async fn requests_of_a_scan_are_bounded_and_the_rest_follows() {
    let scene = Scene::new();
    for number in 0..1_200 {
        scene.log.add(&format!("guid-{number:04}"), minutes(-600) + Duration::SECOND * number, 503);
    }
    let report = scene.scan().await;
    assert_eq!((report.read, report.requested, report.complete), (1_200, 500, false));
    let mut requested = scene.log.requested();
    requested.extend(scene.scan_until(Duration::HOUR).await);
    requested.sort();
    requested.dedup();
    assert_eq!(requested.len(), 1_200);
    assert!(scene.scan().await.complete);
}

#[tokio::test]
async fn rejected_cursor_starts_the_scan_again() {
    let scene = Scene::new();
    scene.log.lock().page = 1;
    for number in 0..30 {
        scene.log.add(&format!("guid-{number:02}"), minutes(-60 + number), 503);
    }
    assert!(!scene.scan().await.complete);
    scene.log.lock().rejects_cursors = true;
    assert_eq!(scene.scan().await.read, 0);
    scene.log.lock().rejects_cursors = false;
    scene.scan_until(Duration::HOUR).await;
    let succeeded = |guid: String| {
        let entries = scene.log.lock();
        entries.attempts.iter().any(|attempt| attempt.guid == guid && attempt.status == 202)
    };
    assert!((0..30).all(|number| succeeded(format!("guid-{number:02}"))));
}

#[tokio::test]
async fn failures_and_limits_repeat_the_scan() {
    let scene = Scene::new();
    scene.log.add("lost", minutes(-30), 503);
    scene.log.lock().failure = Some(PortErrorKind::Unavailable);
    let error = scene.try_scan().await.unwrap_err();
    assert_eq!((error.port(), error.kind()), (PortName::GithubGateway, PortErrorKind::Unavailable));
    let retry_after = std::time::Duration::from_secs(90);
    scene.log.lock().failure = Some(PortErrorKind::RateLimited { retry_after });
    let report = scene.scan().await;
    assert_eq!((report.paused_until, report.complete), (Some(NOON + retry_after), false));
    scene.log.lock().failure = None;
    assert_eq!(scene.scan().await.requested, 1);
}

#[tokio::test]
async fn scan_leaves_the_reserve_of_the_rate_limit() {
    let scene = Scene::new();
    scene.log.add("lost", minutes(-30), 503);
    let resets_at = minutes(20);
    scene.world.github.set_rate_left(5_000, 1_250, Duration::minutes(20));
    assert_eq!(scene.scan().await.paused_until, Some(resets_at));
    assert_eq!(scene.log.lock().pages, 0);
    scene.at(Duration::minutes(20));
    assert_eq!(scene.scan().await.requested, 1);
}

#[tokio::test]
async fn refused_requests_are_counted_and_end() {
    let scene = Scene::new();
    scene.log.add("gone", minutes(-30), 503);
    scene.log.lock().refuses = true;
    let report = scene.scan().await;
    assert_eq!((report.requested, report.refused, report.complete), (0, 1, true));
    scene.at(Duration::minutes(3));
    assert_eq!(scene.scan().await.refused, 0);
}

#[tokio::test]
async fn other_node_waits_until_the_lease_ends_or_expires() {
    let scene = Scene::new();
    let (now, until) = (scene.world.clock.now(), minutes(10));
    assert!(scene.store.lease(7, now, until).await.unwrap().is_some());
    assert_eq!(scene.try_scan().await.unwrap(), None);
    scene.at(Duration::minutes(10));
    assert!(scene.try_scan().await.unwrap().is_some());
}

#[tokio::test]
async fn installer_of_a_failed_delivery_is_recorded() {
    let scene = Scene::new();
    let installation = InstallationId::new(77).unwrap();
    let record = InstallerRecord { installer: AccountId::new(42).unwrap(), members_permission: true };
    scene.log.lock().installer = Some(record);
    scene.log.add("push", minutes(-31), 503);
    scene.log.add("created", minutes(-30), 503);
    if let Some(created) = scene.log.lock().attempts.last_mut() {
        created.event = "installation".to_owned();
        created.action = Some("created".to_owned());
        created.installation = Some(installation);
    }
    assert_eq!(scene.scan().await.installers, 1);
    assert_eq!(scene.world.stored.installer(installation).await.unwrap(), Some(record));
}
