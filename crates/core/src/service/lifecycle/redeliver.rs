use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::error::{PortError, PortErrorKind, PortName};
use crate::ports::{
    DeliveryLog, InterruptedScan, LoggedDelivery, RedeliverOutcome, RedeliveryStore, ScanPosition,
};
use crate::rules::redelivery::{Decision, LOG_RETENTION, Scan, decide};
use crate::service::Dockline;

/// Pages of the log per scan. A page has up to a hundred attempts.
const MAX_PAGES: u32 = 20;

/// Requests to redeliver per scan, so that a long outage is not followed by a flood.
const MAX_REQUESTS: u32 = 500;

/// The lease of a scan, which the caller limits to less.
const LEASE: time::Duration = time::Duration::minutes(10);

/// The result of [`Dockline::redeliver`].
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedeliveryReport {
    /// Attempts in GitHub's log that the scan read.
    pub read: u32,
    /// Deliveries that GitHub was asked to send again.
    pub requested: u32,
    /// Deliveries that GitHub refused to send again.
    pub refused: u32,
    /// Deliveries that failed after as many requests as allowed.
    pub given_up: u32,
    /// Failed deliveries that were received and stored nevertheless.
    pub received: u32,
    /// Installers that were recorded from failed deliveries.
    pub installers: u32,
    /// The age of the oldest attempt that was not read: zero after a complete scan, at most the three days of the log.
    pub behind: Duration,
    /// Whether the scan handled all attempts that it should have. If not, the next scan continues.
    pub complete: bool,
    /// Until when GitHub's rate limit requires a pause.
    #[serde(skip)]
    pub paused_until: Option<OffsetDateTime>,
}

/// Why a scan stopped early.
enum Stop {
    Paused(OffsetDateTime),
    Failed(PortError),
}

impl Dockline {
    /// Reads GitHub's log of the deliveries to the App since the last scan, and asks GitHub to redeliver those that failed.
    /// It reads at most 20 pages and leaves the attempts of the last five minutes to the next scan. A delivery is requested
    /// at most three times, and not if any attempt succeeded, if the store has it, or if we rejected it with a 4xx. Installers
    /// that a failed delivery names are recorded.
    ///
    /// Several nodes may call this: `None` if another node is scanning. A scan must end within ten minutes, after which its
    /// lease expires; it may be dropped at any time, and is then repeated.
    ///
    /// # Errors
    /// Infrastructure failures; the next scan repeats this one. A rate limit is no failure.
    pub async fn redeliver(
        &self,
        log: &dyn DeliveryLog,
        store: &dyn RedeliveryStore,
        reserve_percent: u8,
    ) -> Result<Option<RedeliveryReport>, PortError> {
        let now = self.now();
        let mut holder = [0; 16];
        self.0.entropy.fill(&mut holder)?;
        let holder = u128::from_be_bytes(holder);
        let Some(position) = store.lease(holder, now, now + LEASE).await? else { return Ok(None) };
        let mut report = RedeliveryReport::default();
        let (position, failure) = match self.scan(log, store, &position, reserve_percent, &mut report).await {
            Ok(next) => (next, None),
            Err(Stop::Paused(until)) => {
                report.paused_until = Some(until);
                (position, None)
            }
            Err(Stop::Failed(error)) => (position, Some(error)),
        };
        store.release(holder, &position).await?;
        if let Some(error) = failure {
            return Err(error);
        }
        if !report.complete {
            let behind = position.read_to.map_or(LOG_RETENTION, |read_to| (now - read_to).min(LOG_RETENTION));
            report.behind = behind.try_into().unwrap_or_default();
        }
        Ok(Some(report))
    }

    /// Runs a scan and returns the position after it.
    async fn scan(
        &self,
        log: &dyn DeliveryLog,
        store: &dyn RedeliveryStore,
        position: &ScanPosition,
        reserve_percent: u8,
        report: &mut RedeliveryReport,
    ) -> Result<ScanPosition, Stop> {
        let now = self.now();
        let mut scan = Scan::new(position, now);
        let mut cursor = position.interrupted.as_ref().map(|scan| scan.cursor.clone());
        let mut is_at_end = false;
        for _ in 0..MAX_PAGES {
            self.leave_reserve(reserve_percent)?;
            let Some(page) = log.page(cursor.take()).await.map_err(stop_of(self.now()))? else {
                // GitHub does not know the cursor any more. The next scan starts with the newest page.
                return Ok(ScanPosition { read_to: position.read_to, interrupted: None });
            };
            for attempt in page.deliveries {
                if !scan.add(attempt) {
                    is_at_end = true;
                    break;
                }
                report.read += 1;
            }
            cursor = page.next.filter(|_| !is_at_end);
            is_at_end = cursor.is_none();
            if is_at_end {
                break;
            }
        }
        let interrupted = position.interrupted.as_ref().map(|scan| scan.newest);
        let newest = interrupted.or(scan.newest());
        let judged_to = scan.judged_to();
        let all_requested = self.request(log, store, scan.failed(), now, reserve_percent, report).await?;
        if !all_requested {
            return Ok(position.clone());
        }
        report.complete = is_at_end;
        Ok(match cursor {
            Some(cursor) => {
                // Attempts that were all too new to be judged are passed over: the next part reads older ones, and the next
                // scan these.
                let newest = newest.unwrap_or(judged_to);
                ScanPosition {
                    read_to: position.read_to,
                    interrupted: Some(InterruptedScan { cursor, newest }),
                }
            }
            // Without an attempt to judge, the log is known up to now, but for what GitHub has not logged yet.
            None => ScanPosition { read_to: newest.or(position.read_to), interrupted: None },
        })
    }

    /// Requests the deliveries. Returns `false` if some have to wait for the next scan.
    async fn request(
        &self,
        log: &dyn DeliveryLog,
        store: &dyn RedeliveryStore,
        failed: Vec<LoggedDelivery>,
        now: OffsetDateTime,
        reserve_percent: u8,
        report: &mut RedeliveryReport,
    ) -> Result<bool, Stop> {
        let guids: Vec<String> = failed.iter().map(|attempt| attempt.guid.clone()).collect();
        if guids.is_empty() {
            return Ok(true);
        }
        let received = store.received(&guids).await.map_err(Stop::Failed)?;
        let earlier = store.requests(&guids).await.map_err(Stop::Failed)?;
        for attempt in failed {
            if received.contains(&attempt.guid) {
                report.received += 1;
                continue;
            }
            match decide(attempt.delivered_at, earlier.get(&attempt.guid).copied(), now) {
                Decision::Request => {}
                Decision::Wait => continue,
                Decision::GiveUp => {
                    report.given_up += 1;
                    continue;
                }
            }
            if report.requested + report.refused >= MAX_REQUESTS {
                return Ok(false);
            }
            self.leave_reserve(reserve_percent)?;
            self.note_installer(log, &attempt, report).await?;
            let outcome = log.redeliver(attempt.id).await.map_err(stop_of(self.now()))?;
            store
                .record_request(&attempt.guid, self.now(), now - LOG_RETENTION)
                .await
                .map_err(Stop::Failed)?;
            match outcome {
                RedeliverOutcome::Accepted => report.requested += 1,
                RedeliverOutcome::Refused => report.refused += 1,
            }
        }
        Ok(true)
    }

    /// Records the installer that a failed `installation.created` names, since a visitor may be waiting for it.
    async fn note_installer(
        &self,
        log: &dyn DeliveryLog,
        attempt: &LoggedDelivery,
        report: &mut RedeliveryReport,
    ) -> Result<(), Stop> {
        let created = attempt.event == "installation" && attempt.action.as_deref() == Some("created");
        let Some(installation) = attempt.installation.filter(|_| created) else { return Ok(()) };
        let bindings = &self.0.ports.bindings;
        if bindings.installer(installation).await.map_err(Stop::Failed)?.is_some() {
            return Ok(());
        }
        let record = log.installer(attempt.id, installation).await.map_err(stop_of(self.now()))?;
        if let Some(record) = record {
            bindings.record_installer(installation, record, self.now()).await.map_err(Stop::Failed)?;
            report.installers += 1;
        }
        Ok(())
    }

    fn leave_reserve(&self, reserve_percent: u8) -> Result<(), Stop> {
        self.reserve_reached(reserve_percent).map_or(Ok(()), |until| Err(Stop::Paused(until)))
    }
}

/// Turns a rate limit into a pause.
fn stop_of(now: OffsetDateTime) -> impl Fn(PortError) -> Stop {
    move |error| match (error.port(), error.kind()) {
        (PortName::GithubGateway, PortErrorKind::RateLimited { retry_after }) => {
            Stop::Paused(now + retry_after)
        }
        _ => Stop::Failed(error),
    }
}
