//! Chance that can be repeated.

use std::env;
use std::ops::Range;

/// How many sequences a randomised clause runs where nobody says otherwise: bearable on a database.
const SEQUENCES: u64 = 60;

/// A small generator of numbers that follow from a seed (`SplitMix64`). Not for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts the sequence of `seed`.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` − 1.
    pub const fn below(&mut self, bound: u32) -> u32 {
        let rest = self.number() % bound as u64;
        rest as u32 // less than `bound`
    }

    /// One of these.
    ///
    /// # Panics
    /// Where there is none.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let bound = u32::try_from(choices.len()).unwrap();
        *choices.get(self.below(bound) as usize).unwrap()
    }
}

/// The seeds that a randomised clause runs: 60 from 0 on. `DOCKLINE_SEQUENCES` sets their number; `DOCKLINE_SEED` runs
/// one sequence again, by the seed that a failed run printed.
///
/// # Panics
/// Where a variable is set to something that is no number.
#[must_use]
pub fn seeds() -> Range<u64> {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("DOCKLINE_SEED") {
        Some(only) => only..only + 1,
        None => 0..number("DOCKLINE_SEQUENCES").unwrap_or(SEQUENCES),
    }
}
