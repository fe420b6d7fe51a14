//! Which deliveries of GitHub's log to request again. GitHub never redelivers by itself.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use time::{Duration, OffsetDateTime};

use crate::ports::{LoggedDelivery, RedeliveryRequests, ScanPosition};

/// How long GitHub may take to log an attempt, and how long an attempt may still be under way.
const SETTLED_AFTER: Duration = Duration::minutes(5);

/// How long GitHub lists deliveries and redelivers them.
pub const LOG_RETENTION: Duration = Duration::days(3);

/// Requests per delivery.
const MAX_REQUESTS: u32 = 3;

/// How long a request may be under way before it counts as lost.
const REQUEST_TIMEOUT: Duration = Duration::minutes(10);

/// Half of [`SETTLED_AFTER`], by which GitHub's clock and ours may differ.
const CLOCK_SKEW: Duration = Duration::seconds(150);

/// Groups the attempts of a scan, which reads the log from the newest attempt to the oldest.
#[derive(Debug)]
pub struct Scan {
    /// Attempts after this time are left to the next scan.
    to: OffsetDateTime,
    /// Attempts up to this time were read by earlier scans.
    from: OffsetDateTime,
    deliveries: HashMap<String, Attempts>,
    newest: Option<OffsetDateTime>,
}

#[derive(Debug)]
enum Attempts {
    /// An attempt succeeded, the latest one was rejected, or an attempt is too new to be judged.
    Settled,
    /// All attempts failed. Holds the latest one.
    Failed(LoggedDelivery),
}

impl Scan {
    /// A scan of the attempts since the position, as of `now`. One that continues judges the attempts that the first part
    /// would judge, so that the next scan judges each later one once.
    #[must_use]
    pub fn new(position: &ScanPosition, now: OffsetDateTime) -> Self {
        let oldest = now - LOG_RETENTION;
        let from = position.read_to.map_or(oldest, |read_to| read_to.max(oldest));
        let settled = now - SETTLED_AFTER;
        let to = position.interrupted.as_ref().map_or(settled, |scan| scan.newest.min(settled));
        Self { to, from, deliveries: HashMap::new(), newest: None }
    }

    /// Adds the next older attempt. Returns `false` if an earlier scan read it, and so all older ones.
    pub fn add(&mut self, attempt: LoggedDelivery) -> bool {
        if attempt.delivered_at <= self.from {
            return false;
        }
        let is_new = attempt.delivered_at > self.to;
        if !is_new && self.newest.is_none() {
            self.newest = Some(attempt.delivered_at);
        }
        match self.deliveries.entry(attempt.guid.clone()) {
            Entry::Vacant(entry) => {
                let settled = is_new || succeeded(attempt.status) || is_rejection(attempt.status);
                entry.insert(if settled { Attempts::Settled } else { Attempts::Failed(attempt) });
            }
            Entry::Occupied(mut entry) => {
                if succeeded(attempt.status) {
                    entry.insert(Attempts::Settled);
                }
            }
        }
        true
    }

    /// Returns the time after which attempts are too new to be judged.
    #[must_use]
    pub const fn judged_to(&self) -> OffsetDateTime {
        self.to
    }

    /// Returns the time of the newest attempt that the scan judged.
    #[must_use]
    pub const fn newest(&self) -> Option<OffsetDateTime> {
        self.newest
    }

    /// Returns the latest attempt of each delivery that failed, oldest first, since these leave GitHub's log first.
    #[must_use]
    pub fn failed(self) -> Vec<LoggedDelivery> {
        let failed = self.deliveries.into_values().filter_map(|attempts| match attempts {
            Attempts::Failed(attempt) => Some(attempt),
            Attempts::Settled => None,
        });
        let mut failed: Vec<_> = failed.collect();
        failed.sort_by_key(|attempt| (attempt.delivered_at, attempt.id));
        failed
    }
}

/// The decision on a failed delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Request it.
    Request,
    /// GitHub has not logged the requested attempt yet.
    Wait,
    /// It was requested the maximum number of times.
    GiveUp,
}

/// Decides by the time of the latest attempt and by the earlier requests for the delivery. An attempt is judged five minutes
/// after it was sent, so a request that is not much later than the attempt is the one that led to it.
#[must_use]
pub fn decide(
    attempted: OffsetDateTime,
    earlier: Option<RedeliveryRequests>,
    now: OffsetDateTime,
) -> Decision {
    let Some(requests) = earlier else { return Decision::Request };
    if requests.last - attempted > CLOCK_SKEW && now - requests.last < REQUEST_TIMEOUT {
        Decision::Wait
    } else if requests.count >= MAX_REQUESTS {
        Decision::GiveUp
    } else {
        Decision::Request
    }
}

const fn succeeded(status: u16) -> bool {
    status >= 200 && status < 400
}

/// Returns whether the response rejects the delivery itself, so that a repetition would be rejected, too. 408, 425 and
/// 429 are temporary.
const fn is_rejection(status: u16) -> bool {
    status >= 400 && status < 500 && !matches!(status, 408 | 425 | 429)
}
