//! Wrong notes of which keys are in use.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::KeyUsage;
use dockline::{KeyId, KeyRecord};
use dockline_testkit::key_usage::{KeyUsageDriver, clauses};
use time::{Duration, OffsetDateTime};

use crate::bites;

/// What is wrong with a [`Usage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing is; it writes once an hour, as a coarse adapter may.
    None,
    /// I27: the last one that was told counts.
    GoesBack,
    /// I27 in the store alone: what waits is written over what is there.
    WritesOver,
    /// The first use counts for ever.
    KeepsTheFirst,
    /// Once a day is coarse enough.
    KeepsTheDay,
    /// The end of the hour instead of its beginning.
    RoundsUp,
    /// Whatever is written is written for all keys.
    MixesKeys,
    /// Given out is used.
    CountsGivingOut,
    /// One that is unknown, and the rest of the batch is not written.
    TripsOverUnknownKeys,
    /// What comes while it is being written is forgotten with what was written.
    ForgetsWhatComesMeanwhile,
    /// There is room for so few at a time.
    ForgetsAllButAFew,
}

#[derive(Debug)]
struct Usage {
    fault: Fault,
    waiting: Mutex<Vec<(KeyId, OffsetDateTime)>>,
    stored: Mutex<HashMap<KeyId, Option<OffsetDateTime>>>,
}

impl Usage {
    fn with(fault: Fault) -> Self {
        Self { fault, waiting: Mutex::default(), stored: Mutex::default() }
    }
}

impl KeyUsage for Usage {
    fn used(&self, key: &KeyId, at: OffsetDateTime) {
        let mut waiting = self.waiting.lock().unwrap();
        if self.fault == Fault::ForgetsAllButAFew && waiting.len() >= 10 {
            return;
        }
        waiting.push((key.clone(), at));
    }
}

#[async_trait]
impl KeyUsageDriver for Usage {
    fn usage(&self) -> &dyn KeyUsage {
        self
    }

    async fn give_out(&self, record: KeyRecord) {
        let at = (self.fault == Fault::CountsGivingOut).then_some(OffsetDateTime::UNIX_EPOCH);
        self.stored.lock().unwrap().insert(record.id, at);
    }

    async fn write(&self) {
        let waiting = self.waiting.lock().unwrap().clone();
        if self.fault == Fault::ForgetsWhatComesMeanwhile {
            tokio::task::yield_now().await;
        } else {
            self.waiting.lock().unwrap().retain(|used| !waiting.contains(used));
        }
        let mut stored = self.stored.lock().unwrap();
        if self.fault == Fault::TripsOverUnknownKeys && waiting.iter().any(|(id, _)| !stored.contains_key(id))
        {
            return;
        }
        // Those of one batch are brought into order, so that some faults are in the store alone.
        let mut latest: HashMap<KeyId, OffsetDateTime> = HashMap::new();
        for (id, at) in &waiting {
            let known = latest.entry(id.clone()).or_insert(*at);
            *known = if self.fault == Fault::GoesBack { *at } else { (*known).max(*at) };
        }
        for (id, at) in latest {
            let hour = at.truncate_to_hour();
            for (_, last) in
                stored.iter_mut().filter(|(stored, _)| **stored == id || self.fault == Fault::MixesKeys)
            {
                *last = match (self.fault, *last) {
                    (Fault::GoesBack | Fault::WritesOver, _) => Some(at),
                    (Fault::RoundsUp, last) => last.max(Some(hour + Duration::HOUR)),
                    (Fault::KeepsTheFirst, Some(first)) => Some(first),
                    (Fault::KeepsTheDay, Some(last)) if at - last < Duration::DAY * 2 => Some(last),
                    (_, last) => last.max(Some(hour)),
                };
            }
        }
        if self.fault == Fault::ForgetsWhatComesMeanwhile {
            self.waiting.lock().unwrap().clear();
        }
    }

    async fn last_used(&self, id: &KeyId) -> Option<OffsetDateTime> {
        self.stored.lock().unwrap().get(id).copied().flatten()
    }
}

mod right {
    use super::{Fault, Usage};

    dockline_testkit::key_usage_suite!(async { Usage::with(Fault::None) });
}

bites! {
    KeyUsageDriver;
    a_note_that_goes_back_with_the_clock: Usage::with(Fault::GoesBack) =>
        clauses::a_clock_that_goes_back_takes_nothing_back,
        clauses::whatever_the_clock_does_each_key_is_told_within_the_hour;
    a_note_that_is_written_over: Usage::with(Fault::WritesOver) =>
        clauses::a_clock_that_goes_back_takes_nothing_back,
        clauses::whatever_the_clock_does_each_key_is_told_within_the_hour;
    a_note_of_the_first_use: Usage::with(Fault::KeepsTheFirst) =>
        clauses::a_use_is_told_less_than_an_hour_early_and_never_late,
        clauses::a_later_use_is_told_after_the_hour;
    a_note_of_the_day: Usage::with(Fault::KeepsTheDay) =>
        clauses::a_use_is_told_less_than_an_hour_early_and_never_late,
        clauses::a_later_use_is_told_after_the_hour;
    a_note_that_is_rounded_up: Usage::with(Fault::RoundsUp) =>
        clauses::a_use_is_told_less_than_an_hour_early_and_never_late,
        clauses::a_later_use_is_told_after_the_hour;
    a_note_for_everybody: Usage::with(Fault::MixesKeys) =>
        clauses::a_use_is_of_exactly_the_key_that_was_used,
        clauses::what_was_written_is_not_taken_back_by_what_is_written_later;
    a_note_of_a_key_that_nobody_used: Usage::with(Fault::CountsGivingOut) =>
        clauses::a_key_that_was_never_used_has_no_time;
    a_batch_that_an_unknown_key_spoils: Usage::with(Fault::TripsOverUnknownKeys) =>
        clauses::a_key_that_nobody_knows_harms_no_other;
    a_buffer_that_forgets: Usage::with(Fault::ForgetsAllButAFew) =>
        clauses::a_use_is_of_exactly_the_key_that_was_used;
}

bites! {
    shared KeyUsageDriver;
    a_buffer_that_loses_what_comes_meanwhile: Usage::with(Fault::ForgetsWhatComesMeanwhile) =>
        clauses::uses_of_one_moment_are_all_taken_note_of;
}
