//! Every delivery that was made, and those that wait to be posted.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use time::OffsetDateTime;

use crate::delivery::{Delivery, DeliveryMode, Outcome};

/// Older deliveries are forgotten beyond this many.
const KEPT: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    mode: DeliveryMode,
    /// Payloads in the shape of older deliveries (GitHub fact 54).
    pub(crate) old_shape: bool,
    given: u64,
    deliveries: BTreeMap<u64, Delivery>,
    waiting: VecDeque<Waiting>,
    /// What shuffling collected.
    collected: Vec<u64>,
    shuffle: SplitMix64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    id: u64,
    due: OffsetDateTime,
}

impl Outbox {
    pub(crate) fn mode(&self) -> DeliveryMode {
        self.mode
    }

    pub(crate) fn set_mode(&mut self, mode: DeliveryMode) {
        self.mode = mode;
        if let DeliveryMode::Shuffled { seed } = mode {
            self.shuffle = SplitMix64(seed);
        }
    }

    /// Keeps a delivery under a new id, and lets it travel by the present mode.
    pub(crate) fn add(&mut self, delivery: Delivery) -> u64 {
        // GitHub's ids grow, with gaps, and are far beyond 2^31.
        let id = 180_000_000_011 + self.given * 37;
        self.given += 1;
        let now = delivery.made_at;
        self.deliveries.insert(id, Delivery { id, ..delivery });
        while self.deliveries.len() > KEPT {
            if let Some((oldest, _)) = self.deliveries.pop_first() {
                self.unqueue(oldest);
            }
        }
        let soon = Waiting { id, due: now };
        match self.mode {
            DeliveryMode::Automatic => self.waiting.push_back(soon),
            DeliveryMode::Held => {}
            DeliveryMode::Shuffled { .. } => self.collected.push(id),
            DeliveryMode::Doubled => self.waiting.extend([soon, soon]),
            DeliveryMode::Dropped => self.lose(id, now),
            DeliveryMode::Late { seconds } => {
                let due = now.checked_add(time::Duration::seconds(seconds)).unwrap_or(now);
                self.waiting.push_back(Waiting { id, due });
            }
        }
        id
    }

    /// What shuffling collected waits from now on, in the order of the seed.
    pub(crate) fn release(&mut self, now: OffsetDateTime) {
        let mut batch = std::mem::take(&mut self.collected);
        for last in (1..batch.len()).rev() {
            batch.swap(last, self.shuffle.below(last + 1));
        }
        self.waiting.extend(batch.into_iter().map(|id| Waiting { id, due: now }));
    }

    /// The first that may be posted by now. It goes on waiting until it is [posted](Self::posted).
    pub(crate) fn next(&self, now: OffsetDateTime) -> Option<&Delivery> {
        let first = self.waiting.iter().find(|waiting| waiting.due <= now)?;
        self.deliveries.get(&first.id)
    }

    /// When the first of those that wait may be posted.
    pub(crate) fn next_due(&self) -> Option<OffsetDateTime> {
        self.waiting.iter().map(|waiting| waiting.due).min()
    }

    /// A waiting delivery was posted: once fewer to do.
    pub(crate) fn posted(&mut self, id: u64, outcome: Outcome) {
        if let Some(at) = self.waiting.iter().position(|waiting| waiting.id == id) {
            self.waiting.remove(at);
        }
        self.finish(id, outcome);
    }

    /// A delivery is posted by hand: it waits no more.
    pub(crate) fn unqueue(&mut self, id: u64) {
        self.waiting.retain(|waiting| waiting.id != id);
        self.collected.retain(|collected| *collected != id);
    }

    /// How a post ended.
    pub(crate) fn finish(&mut self, id: u64, outcome: Outcome) {
        if let Some(delivery) = self.deliveries.get_mut(&id) {
            delivery.posts += 1;
            delivery.outcome = Some(outcome);
        }
    }

    fn lose(&mut self, id: u64, now: OffsetDateTime) {
        if let Some(delivery) = self.deliveries.get_mut(&id) {
            delivery.outcome = Some(Outcome::unanswered("failed", now, Duration::ZERO));
        }
    }

    pub(crate) fn delivery(&self, id: u64) -> Option<&Delivery> {
        self.deliveries.get(&id)
    }

    /// Oldest first.
    pub(crate) fn deliveries(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.deliveries.values()
    }

    /// Forgets every delivery, also those that wait.
    pub(crate) fn clear(&mut self) {
        self.deliveries.clear();
        self.waiting.clear();
        self.collected.clear();
    }
}

/// Sebastiano Vigna's generator: short, and the same on every machine.
#[derive(Debug, Default)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0. Its bias is far below what a shuffle could show.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        usize::try_from(self.next() % end.max(1)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::SplitMix64;

    #[test]
    fn the_generator_is_the_published_one() {
        let mut generator = SplitMix64(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([generator.next(), generator.next(), generator.next()], expected);
    }
}
