//! Collects uses of keys in memory, so that a store writes each key at most once an hour.

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::model::KeyId;
use crate::rules::bucket::in_utc;

/// Upper bound of the keys in memory, and so of the rows that one write changes.
const CAPACITY: usize = 10_000;

/// The first use of each key within an hour of the UTC clock, for a [`KeyUsage`](crate::ports::KeyUsage) that writes later.
///
/// Memory is bounded to ten thousand keys. If it is full, written entries are evicted; if all are unwritten, a use of another
/// key is not recorded.
#[derive(Debug, Default)]
pub struct UsedKeys {
    by_key: HashMap<KeyId, FirstUse>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FirstUse {
    at: OffsetDateTime,
    written: bool,
}

/// A use to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: KeyId,
    /// The time of the use, in UTC, truncated to microseconds.
    pub at: OffsetDateTime,
}

impl KeyUse {
    /// Returns the start of the hour. A store MUST NOT change a row whose time is in that hour or later, so that several nodes
    /// write it once an hour, and no late write moves it back.
    #[must_use]
    pub const fn hour(&self) -> OffsetDateTime {
        self.at.truncate_to_hour()
    }
}

impl UsedKeys {
    /// Records a use, unless one of the same or a later hour is recorded.
    pub fn record(&mut self, key: &KeyId, at: OffsetDateTime) {
        let at = in_utc(at).truncate_to_microsecond();
        let first = FirstUse { at, written: false };
        if let Some(recorded) = self.by_key.get_mut(key) {
            if at.truncate_to_hour() > recorded.at {
                *recorded = first;
            }
            return;
        }
        if self.by_key.len() >= CAPACITY {
            // The next use of an evicted key within the hour is sent again, and changes no row.
            self.by_key.retain(|_, recorded| !recorded.written);
        }
        if self.by_key.len() < CAPACITY {
            self.by_key.insert(key.clone(), first);
        }
    }

    /// Returns the uses to write.
    #[must_use]
    pub fn unwritten(&self) -> Vec<KeyUse> {
        let unwritten = self.by_key.iter().filter(|(_, first)| !first.written);
        unwritten.map(|(key, first)| KeyUse { key: key.clone(), at: first.at }).collect()
    }

    /// Marks uses as written. One that another use replaced meanwhile stays unwritten.
    pub fn mark_written(&mut self, uses: &[KeyUse]) {
        for KeyUse { key, at } in uses {
            if let Some(first) = self.by_key.get_mut(key).filter(|first| first.at == *at) {
                first.written = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use time::{Duration, UtcOffset};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    fn key(number: usize) -> KeyId {
        KeyId::parse(&format!("{number:016}")).unwrap()
    }

    #[test]
    fn memory_is_bounded_and_written_entries_are_evicted() {
        let mut uses = UsedKeys::default();
        for number in 0..2 * CAPACITY {
            uses.record(&key(number), NOON);
        }
        let unwritten = uses.unwritten();
        assert_eq!(unwritten.len(), CAPACITY);
        assert!(unwritten.iter().all(|one| one.key != key(CAPACITY)), "recorded beyond the capacity");
        uses.mark_written(&unwritten[..CAPACITY / 2]);
        uses.record(&key(3 * CAPACITY), NOON);
        assert_eq!(uses.by_key.len(), CAPACITY / 2 + 1);
        assert_eq!(uses.unwritten().len(), CAPACITY / 2 + 1);
    }

    #[test]
    fn a_key_is_due_once_an_hour_however_often_it_is_used() {
        let mut uses = UsedKeys::default();
        for minute in 0..60 {
            uses.record(&key(1), NOON + Duration::minutes(minute));
        }
        let first = [KeyUse { key: key(1), at: NOON }];
        assert_eq!(uses.unwritten(), first);
        uses.mark_written(&first);
        uses.record(&key(1), NOON + Duration::minutes(59));
        uses.record(&key(1), NOON - Duration::HOUR);
        assert_eq!(uses.unwritten(), []);
        let next = NOON + Duration::minutes(61);
        uses.record(&key(1), next.to_offset(UtcOffset::from_hms(5, 45, 0).unwrap()));
        assert_eq!(uses.unwritten(), [KeyUse { key: key(1), at: next }]);
        assert_eq!(uses.unwritten()[0].hour(), NOON + Duration::HOUR);
        // The write of the earlier use ends after the later one was recorded.
        uses.mark_written(&first);
        assert_eq!(uses.unwritten().len(), 1);
    }
}
