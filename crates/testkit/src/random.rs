//! Random sequences of calls that can be repeated: seeds, their output on failure, and the check that they reach enough.

use std::collections::BTreeMap;
use std::env;
use std::ops::Range;
use std::thread::panicking;

/// Sequences per randomised case by default: few enough for a database.
const SEQUENCES: u64 = 60;

/// Returns the seeds that a randomised case runs: 0 to 59.
///
/// `DOCKLINE_SEQUENCES` sets their number. `DOCKLINE_SEED` runs a single sequence: the seed that a failed test printed.
///
/// # Panics
/// Panics if one of the variables is not a number.
#[must_use]
pub fn seeds() -> Range<u64> {
    let number = |name| {
        let text = env::var(name).ok()?;
        let number = text.parse::<u64>();
        assert!(number.is_ok(), "{name} is {text:?}; set it to a whole number");
        number.ok()
    };
    match number("DOCKLINE_SEED") {
        Some(only) => only..only + 1,
        None => 0..number("DOCKLINE_SEQUENCES").unwrap_or(SEQUENCES),
    }
}

/// Prints how to repeat a random sequence if the test panics while this value lives.
#[derive(Debug)]
#[must_use = "it prints the seed only while it lives"]
pub struct SeedOnFailure(pub u64);

impl Drop for SeedOnFailure {
    fn drop(&mut self) {
        if panicking() {
            eprintln!("A random sequence failed. Set DOCKLINE_SEED={} to run only this one.", self.0);
        }
    }
}

/// Counts how the steps of random sequences ended. A generator that never reaches an outcome proves nothing about it.
#[derive(Debug, Default)]
pub(crate) struct Reached(BTreeMap<&'static str, u64>);

impl Reached {
    pub(crate) fn count(&mut self, outcome: &'static str) {
        *self.0.entry(outcome).or_default() += 1;
    }

    /// Asserts that `outcomes` different outcomes occurred, each at least once in five sequences.
    ///
    /// Asserts nothing for fewer than 50 sequences, such as a repeated one.
    pub(crate) fn assert_all(&self, outcomes: usize, sequences: u64) {
        let enough = self.0.len() == outcomes && self.0.values().all(|&times| times * 5 > sequences);
        assert!(sequences < 50 || enough, "the random sequences reach too little: {:?}", self.0);
    }
}
