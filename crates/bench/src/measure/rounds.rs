//! Rounds: each measures every program once and begins with another one, so that other load on the machine affects all
//! programs alike.

use crate::Result;
use crate::measure::Summary;

/// One measurement of one program.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sample {
    /// Requests per second.
    pub(crate) rate: f64,
    /// Latencies in microseconds; 0 if unknown.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// CPU time in microseconds per request: of the server, PostgreSQL, the load generator, and GitHub.
    pub(crate) server: f64,
    pub(crate) postgres: f64,
    pub(crate) load: f64,
    pub(crate) github: f64,
    /// Resident memory of the server in bytes, of a load under pressure the most; 0 if unknown.
    pub(crate) resident: u64,
    /// What else is measured of a load under pressure.
    pub(crate) pressure: Option<Pressure>,
}

/// The measurements of a load of which a node may refuse a part.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Pressure {
    /// The share of the responses that are refusals.
    pub(crate) refused: f64,
    /// Latencies of probes in microseconds.
    pub(crate) health_p99: f64,
    pub(crate) health_max: f64,
    /// Resident memory of the server in bytes before and after the load.
    pub(crate) resident_before: u64,
    pub(crate) resident_after: u64,
}

/// The measurements of one program in one scenario, by round.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// The scenario's title.
    pub(crate) scenario: &'static str,
    /// The program.
    pub(crate) program: &'static str,
    pub(crate) samples: Vec<Sample>,
}

impl Series {
    /// Summarizes a value over the rounds.
    pub(crate) fn summary(&self, value: impl Fn(&Sample) -> f64) -> Option<Summary> {
        Summary::of(self.samples.iter().map(value))
    }

    /// Summarizes the ratio of a value to that of `other` in the same round.
    pub(crate) fn ratio(&self, other: &Self, value: impl Fn(&Sample) -> f64) -> Option<Summary> {
        Summary::of(self.samples.iter().zip(&other.samples).map(|(ours, theirs)| value(ours) / value(theirs)))
    }
}

/// Measures each program, given with the title of its scenario, once per round. `measure` gets the program's index.
///
/// # Errors
/// The first error of a measurement.
pub(crate) fn in_rounds(
    programs: &[(&'static str, &'static str)],
    rounds: usize,
    mut measure: impl FnMut(usize) -> Result<Sample>,
) -> Result<Vec<Series>> {
    let empty = |&(scenario, program): &_| Series { scenario, program, samples: Vec::new() };
    let mut series: Vec<Series> = programs.iter().map(empty).collect();
    for round in 0..rounds {
        for index in order(round, programs.len()) {
            let Some(series) = series.get_mut(index) else { continue };
            let sample = measure(index)?;
            eprintln!(
                "{}, round {}: {} {:.0} req/s, p50 {:.2} ms, p99 {:.2} ms; CPU µs: server {:.0}, PostgreSQL {:.0}, \
                 load {:.0}, GitHub {:.0}",
                series.scenario,
                round + 1,
                series.program,
                sample.rate,
                sample.p50 / 1e3,
                sample.p99 / 1e3,
                sample.server,
                sample.postgres,
                sample.load,
                sample.github
            );
            if let Some(pressure) = &sample.pressure {
                eprintln!(
                    "    refused {:.1} %, /healthz p99 {:.2} ms, at most {:.2} ms; MiB before {}, at most {}, after {}",
                    pressure.refused * 100.0,
                    pressure.health_p99 / 1e3,
                    pressure.health_max / 1e3,
                    pressure.resident_before >> 20,
                    sample.resident >> 20,
                    pressure.resident_after >> 20
                );
            }
            series.samples.push(sample);
        }
    }
    Ok(series)
}

/// Returns the order of a round: each round begins with the next program.
fn order(round: usize, programs: usize) -> impl Iterator<Item = usize> {
    (0..programs).map(move |place| (place + round) % programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(program: &'static str, rates: &[f64]) -> Series {
        let samples = rates.iter().map(|&rate| Sample { rate, ..Sample::default() }).collect();
        Series { scenario: "s", program, samples }
    }

    #[test]
    fn every_program_is_measured_once_per_round_and_each_is_first_in_turn() {
        let mut calls = Vec::new();
        let measured = in_rounds(&[("s", "a"), ("s", "b"), ("t", "c")], 4, |index| {
            calls.push(index);
            Ok(Sample { rate: calls.len() as f64, ..Sample::default() })
        })
        .unwrap();
        assert_eq!(calls, [0, 1, 2, 1, 2, 0, 2, 0, 1, 0, 1, 2]);
        let rates: Vec<f64> = measured[1].samples.iter().map(|sample| sample.rate).collect();
        assert_eq!(rates, [2.0, 4.0, 9.0, 11.0]);
        assert_eq!((measured[2].scenario, measured[2].program), ("t", "c"));
    }

    #[test]
    fn an_error_ends_the_rounds() {
        let mut calls = 0;
        let measured = in_rounds(&[("s", "a"), ("s", "b")], 3, |_| {
            calls += 1;
            if calls == 2 { Err("broken".into()) } else { Ok(Sample::default()) }
        });
        assert_eq!(measured.unwrap_err().to_string(), "broken");
        assert_eq!(calls, 2);
    }

    #[test]
    fn a_ratio_compares_measurements_of_the_same_round() {
        // The machine is twice as fast in the last two rounds, which cancels out.
        let (ours, theirs) = (series("a", &[30.0, 60.0, 66.0]), series("b", &[10.0, 20.0, 20.0]));
        let ratio = ours.ratio(&theirs, |sample| sample.rate).unwrap();
        assert_eq!(ratio, Summary { median: 3.0, low: 3.0, high: 3.3 });
        assert_eq!(ours.summary(|sample| sample.rate).unwrap().median, 60.0);
        assert_eq!(ours.ratio(&series("c", &[0.0]), |sample| sample.rate), None);
    }
}
