//! The queue of installations to refresh. It reads no clock and starts no task.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use dockline::InstallationId;
use tokio::time::Instant;

/// The outcome of [`Queue::push`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushOutcome {
    Added,
    /// The installation was waiting already.
    Merged,
    Full,
    Closed,
}

/// The next step of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Refresh an installation, for the `attempt`th time. `more`: another worker can start, too.
    Refresh { installation: InstallationId, attempt: u32, more: bool },
    /// Nothing is due before this time.
    WaitUntil(Instant),
    /// The queue is empty.
    Wait,
}

/// Holds each waiting installation once: in `due` in the order of the hints, or in `delayed` after a failed attempt.
#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    /// All waiting installations with the number of their failed attempts.
    waiting: HashMap<InstallationId, u32>,
    due: VecDeque<InstallationId>,
    delayed: BTreeMap<Instant, BTreeSet<InstallationId>>,
    not_before: Option<Instant>,
    in_flight: usize,
    /// If set, no more hints are accepted, and refreshes start up to this time.
    closes: Option<Instant>,
    given_up: usize,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            waiting: HashMap::new(),
            due: VecDeque::new(),
            delayed: BTreeMap::new(),
            not_before: None,
            in_flight: 0,
            closes: None,
            given_up: 0,
        }
    }

    pub(super) fn push(&mut self, installation: InstallationId) -> PushOutcome {
        if self.closes.is_some() {
            return PushOutcome::Closed;
        }
        if let Some(failed) = self.waiting.get_mut(&installation) {
            // It keeps its place, but a new hint gets all attempts.
            *failed = 0;
            return PushOutcome::Merged;
        }
        if self.waiting.len() >= self.capacity {
            return PushOutcome::Full;
        }
        self.waiting.insert(installation, 0);
        self.due.push_back(installation);
        PushOutcome::Added
    }

    pub(super) fn next(&mut self, now: Instant) -> Next {
        if let Some(not_before) = self.not_before.filter(|not_before| *not_before > now) {
            return if self.waiting.is_empty() { Next::Wait } else { Next::WaitUntil(not_before) };
        }
        while let Some(entry) = self.delayed.first_entry().filter(|entry| *entry.key() <= now) {
            self.due.extend(entry.remove());
        }
        match self.due.pop_front() {
            Some(installation) => {
                let failed = self.waiting.remove(&installation).unwrap_or_default();
                self.in_flight += 1;
                Next::Refresh { installation, attempt: failed + 1, more: !self.due.is_empty() }
            }
            None => self.delayed.keys().next().map_or(Next::Wait, |until| Next::WaitUntil(*until)),
        }
    }

    /// Ends one refresh.
    pub(super) const fn finish(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Ends one refresh that has to be repeated. An installation that was hinted at meanwhile is waiting already. The
    /// capacity does not apply: the hint was accepted before.
    pub(super) fn retry(&mut self, installation: InstallationId, attempt: u32, at: Instant) {
        self.finish();
        if self.closes.is_some_and(|closes| at > closes) {
            self.given_up += 1;
        } else if let Entry::Vacant(waiting) = self.waiting.entry(installation) {
            waiting.insert(attempt);
            self.delayed.entry(at).or_default().insert(installation);
        }
    }

    /// Ends all refreshes that a panic cut off, and returns their number.
    pub(super) fn abandon_in_flight(&mut self) -> usize {
        let abandoned = std::mem::take(&mut self.in_flight);
        if self.closes.is_some() {
            self.given_up += abandoned;
        }
        abandoned
    }

    /// Starts no refresh before this time.
    pub(super) fn pause(&mut self, until: Instant) {
        self.not_before = Some(self.not_before.map_or(until, |before| before.max(until)));
        self.give_up_too_late();
    }

    /// Returns the number of installations that wait or are being refreshed.
    pub(super) fn pending(&self) -> usize {
        self.waiting.len() + self.in_flight
    }

    /// Accepts no more hints, and gives up all refreshes that cannot start up to this time.
    pub(super) fn close(&mut self, closes: Instant) {
        self.closes = Some(closes);
        self.give_up_too_late();
    }

    fn give_up_too_late(&mut self) {
        let Some(closes) = self.closes else { return };
        let before = self.waiting.len();
        if self.not_before.is_some_and(|not_before| not_before > closes) {
            self.waiting.clear();
            self.due.clear();
            self.delayed.clear();
        }
        for installation in self.delayed.split_off(&closes).into_values().flatten() {
            self.waiting.remove(&installation);
        }
        self.given_up += before - self.waiting.len();
    }

    /// Returns the number of hints that were given up since the queue was closed, or are still pending.
    pub(super) fn left(&self) -> usize {
        self.given_up + self.pending()
    }

    /// Closes the queue and gives up all of it.
    pub(super) fn end(&mut self, now: Instant) {
        self.closes.get_or_insert(now);
        self.given_up += self.pending();
        self.waiting.clear();
        self.due.clear();
        self.delayed.clear();
        self.in_flight = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn installation(number: u64) -> InstallationId {
        InstallationId::new(number).unwrap()
    }

    #[test]
    fn refreshes_that_a_panic_cut_off_are_abandoned_and_count_as_left_only_after_the_close() {
        let (mut queue, now) = (Queue::new(10), Instant::now());
        let refresh = |queue: &mut Queue| {
            queue.push(installation(1));
            assert!(matches!(queue.next(now), Next::Refresh { attempt: 1, .. }));
        };
        refresh(&mut queue);
        assert_eq!((queue.abandon_in_flight(), queue.pending(), queue.left()), (1, 0, 0));
        refresh(&mut queue);
        queue.close(now + Duration::from_secs(1));
        assert_eq!((queue.abandon_in_flight(), queue.pending(), queue.left()), (1, 0, 1));
    }

    #[test]
    fn retries_come_due_in_the_order_of_their_times_and_after_waiting_hints() {
        let (mut queue, now) = (Queue::new(10), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        for number in [1, 2, 3] {
            queue.push(installation(number));
            queue.next(now);
        }
        for (number, seconds) in [(1, 3), (2, 1), (3, 2)] {
            queue.retry(installation(number), 1, at(seconds));
        }
        assert_eq!(queue.next(now), Next::WaitUntil(at(1)));
        queue.push(installation(4));
        let order: Vec<_> = std::iter::from_fn(|| match queue.next(at(2)) {
            Next::Refresh { installation, attempt, more } => Some((installation.get(), attempt, more)),
            Next::WaitUntil(_) | Next::Wait => None,
        })
        .collect();
        assert_eq!(order, [(4, 1, true), (2, 2, true), (3, 2, false)]);
        assert_eq!(queue.next(at(2)), Next::WaitUntil(at(3)));
    }
}
