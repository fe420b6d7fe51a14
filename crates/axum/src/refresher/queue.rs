//! What waits to be asked about, without clock or tasks of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use dockline::InstallationId;
use tokio::time::Instant;

/// What became of a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queued {
    Added,
    AlreadyThere,
    Full,
    Closed,
}

/// What a worker is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask, for the `attempt`th time; there may be `more` for another worker.
    Ask { installation: InstallationId, attempt: u32, more: bool },
    /// Nothing is due before then.
    WaitUntil(Instant),
    /// Nothing is there.
    Wait,
}

/// Each installation is in it at most once: due in the order of the hints, or later, after an attempt that failed.
#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    /// Everything that waits, with its failed attempts.
    waiting: HashMap<InstallationId, u32>,
    due: VecDeque<InstallationId>,
    later: BTreeMap<Instant, BTreeSet<InstallationId>>,
    not_before: Option<Instant>,
    asking: usize,
    /// Where no more hints are taken: until when what waits may still be asked about.
    closes: Option<Instant>,
    given_up: usize,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            waiting: HashMap::new(),
            due: VecDeque::new(),
            later: BTreeMap::new(),
            not_before: None,
            asking: 0,
            closes: None,
            given_up: 0,
        }
    }

    pub(super) fn hint(&mut self, installation: InstallationId) -> Queued {
        if self.closes.is_some() {
            return Queued::Closed;
        }
        if let Some(failed) = self.waiting.get_mut(&installation) {
            // It keeps its turn; what was said anew deserves as many attempts as anything else.
            *failed = 0;
            return Queued::AlreadyThere;
        }
        if self.waiting.len() >= self.capacity {
            return Queued::Full;
        }
        self.waiting.insert(installation, 0);
        self.due.push_back(installation);
        Queued::Added
    }

    pub(super) fn next(&mut self, now: Instant) -> Next {
        if let Some(not_before) = self.not_before.filter(|not_before| *not_before > now) {
            return if self.waiting.is_empty() { Next::Wait } else { Next::WaitUntil(not_before) };
        }
        let mut later = self.later.split_off(&now);
        // `split_off` leaves what was due before this instant; what is due at it comes, too.
        let at_once = later.remove(&now).into_iter();
        let before = std::mem::replace(&mut self.later, later);
        self.due.extend(before.into_values().chain(at_once).flatten());
        match self.due.pop_front() {
            Some(installation) => {
                let failed = self.waiting.remove(&installation).unwrap_or_default();
                self.asking += 1;
                Next::Ask { installation, attempt: failed + 1, more: !self.due.is_empty() }
            }
            None => self.later.keys().next().map_or(Next::Wait, |until| Next::WaitUntil(*until)),
        }
    }

    /// One that was taken is settled.
    pub(super) const fn done(&mut self) {
        self.asking = self.asking.saturating_sub(1);
    }

    /// One that was taken has to be asked about again. Where it was hinted at meanwhile it waits already, and without
    /// regard to the room: it was let in before.
    pub(super) fn again(&mut self, installation: InstallationId, attempt: u32, at: Instant) {
        self.done();
        if self.closes.is_some_and(|closes| at > closes) {
            self.given_up += 1;
        } else if let std::collections::hash_map::Entry::Vacant(waiting) = self.waiting.entry(installation) {
            waiting.insert(attempt);
            self.later.entry(at).or_default().insert(installation);
        }
    }

    /// Nothing is taken before then.
    pub(super) fn pause(&mut self, until: Instant) {
        self.not_before = Some(self.not_before.map_or(until, |before| before.max(until)));
        self.give_up_what_comes_too_late();
    }

    /// What waits, and what was taken and is not settled.
    pub(super) fn open(&self) -> usize {
        self.waiting.len() + self.asking
    }

    /// Takes no more hints, and gives up what cannot be asked about before then.
    pub(super) fn close(&mut self, closes: Instant) {
        self.closes = Some(closes);
        self.give_up_what_comes_too_late();
    }

    fn give_up_what_comes_too_late(&mut self) {
        let Some(closes) = self.closes else { return };
        let before = self.waiting.len();
        if self.not_before.is_some_and(|not_before| not_before > closes) {
            self.waiting.clear();
            self.due.clear();
            self.later.clear();
        }
        for installation in self.later.split_off(&closes).into_values().flatten() {
            self.waiting.remove(&installation);
        }
        self.given_up += before - self.waiting.len();
    }

    /// What was not asked about, or to no avail, since the closing.
    pub(super) fn left(&self) -> usize {
        self.given_up + self.open()
    }

    /// Nobody takes anything any more.
    pub(super) fn end(&mut self, now: Instant) {
        self.closes.get_or_insert(now);
        self.given_up += self.open();
        self.waiting.clear();
        self.due.clear();
        self.later.clear();
        self.asking = 0;
    }
}
