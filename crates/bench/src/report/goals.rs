//! The goals and their measurements.

use crate::measure::{Pressure, Sample, Series, Summary};
use crate::scenarios::{CLIENTS, Results, ideal_rate, program, title};

/// A goal. All are ratios within one run, or sizes, so that they mean the same on every machine; times within a process are
/// those of a machine with cores of about 3 GHz.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Goal {
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    /// The gate, which must be reached, and the aim.
    pub(crate) gate: f64,
    pub(crate) aim: f64,
    /// The measured value; `None` if it was not measured.
    pub(crate) today: Option<Summary>,
}

/// How far a goal is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    NotMeasured,
    Missed,
    Gate,
    Aim,
}

impl Goal {
    const fn new(id: &'static str, what: &'static str, unit: &'static str, gate: f64, aim: f64) -> Self {
        Self { id, what, unit, gate, aim, today: None }
    }

    fn with(mut self, today: Option<Summary>) -> Self {
        self.today = today;
        self
    }

    /// Returns how many times the gate is reached: more than 1 is better, whatever the goal's direction.
    pub(crate) fn of_gate(&self) -> Option<f64> {
        let median = self.today?.median;
        Some(if self.aim > self.gate {
            median / self.gate
        } else {
            self.gate / median.max(f64::MIN_POSITIVE)
        })
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let Some(today) = self.today else { return Verdict::NotMeasured };
        let reaches = |wanted: f64| {
            if self.aim > self.gate { today.median >= wanted } else { today.median <= wanted }
        };
        match (reaches(self.aim), reaches(self.gate)) {
            (true, _) => Verdict::Aim,
            (false, true) => Verdict::Gate,
            (false, false) => Verdict::Missed,
        }
    }
}

/// Returns all goals.
pub(crate) fn of(results: &Results) -> Vec<Goal> {
    let rate_of = |ours: Option<&Series>, other: Option<&Series>| ours?.ratio(other?, |sample| sample.rate);
    let ours = |title| results.series(title, program::DOCKLINE);
    let against = |title, program| rate_of(ours(title), results.series(title, program));
    let exactly = |value: f64| Summary::of([value]);
    let micro = |name: &str| results.micro.as_ref()?.get(name);
    let quotient = |ours: &str, other: &str| exactly(micro(ours)?.nanoseconds / micro(other)?.nanoseconds);
    let difference = || {
        let (hit, read) = (micro("token_cache_hit")?, micro("token_binding_read")?);
        Some((hit.nanoseconds - read.nanoseconds, hit.allocations - read.allocations))
    };
    let scaled = |program| {
        let many = results.series(title::SCALE, program)?;
        many.ratio(ours(title::SCALE)?, |sample| sample.server + sample.postgres)
    };
    let footprint = results.footprint.as_ref();
    let tree = results.tree.as_ref();
    let crowd = || results.series(title::OVERLOAD, program::PATIENT_CLIENTS);
    let among_many = |value: fn(&Sample) -> f64| crowd()?.summary(value);
    let beside = |program, value: fn(&Sample) -> f64| {
        results
            .series(title::FAIRNESS, program)?
            .ratio(results.series(title::FAIRNESS, program::ALONE)?, value)
    };
    let of_ideal = |series: &Series| series.summary(|sample| sample.rate / ideal_rate());
    vec![
        Goal::new("G1", "re-post, against the hand-written handler without budgets", "×", 2.0, 3.5)
            .with(against(title::REPOST, program::RIVAL)),
        Goal::new("G1", "… with sqlx's default ping before each statement", "×", 2.0, 3.5)
            .with(against(title::REPOST, program::PINGING_RIVAL)),
        Goal::new("G1", "re-post, against fastify without budgets", "×", 2.5, 4.0)
            .with(against(title::REPOST, program::FASTIFY)),
        Goal::new("G1", "re-post, of pgbench's primary-key select", "×", 0.25, 0.40)
            .with(against(title::REPOST, program::PGBENCH)),
        Goal::new("G1", "GET of a binding, against the re-post", "×", 1.2, 1.5)
            .with(rate_of(ours(title::READ), ours(title::REPOST))),
        Goal::new("G2", "first registration, against the hand-written handler", "×", 3.5, 4.2)
            .with(against(title::REGISTER, program::RIVAL)),
        Goal::new("G2", "… with sqlx's default ping before each statement", "×", 3.5, 4.2)
            .with(against(title::REGISTER, program::PINGING_RIVAL)),
        Goal::new("G2", "first registration, against fastify", "×", 6.0, 9.0)
            .with(against(title::REGISTER, program::FASTIFY)),
        Goal::new(
            "G2",
            "first registration, GitHub 100 ms away, 256 in flight, of the ideal",
            "×",
            0.80,
            0.90,
        )
        .with(ours(title::DISTANT).and_then(of_ideal)),
        Goal::new("G3", "re-post on memory, of the same app's static route", "×", 0.70, 0.80)
            .with(against(title::MEMORY, program::STATIC)),
        Goal::new("G4", "token cache hit, without the read of the binding", "ns", 60.0, 52.0)
            .with(difference().and_then(|(nanoseconds, _)| exactly(nanoseconds))),
        Goal::new("G4", "allocations of a token cache hit, without the read of the binding", "", 0.0, 0.0)
            .with(difference().and_then(|(_, allocations)| exactly(allocations))),
        Goal::new("G5", "webhook check of 10 KB, of the bare HMAC", "×", 1.2, 1.05)
            .with(quotient("webhook_check_10_kb", "webhook_hmac_10_kb")),
        Goal::new("G6", "strict parse, of a derived one", "×", 1.5, 1.2)
            .with(quotient("parse_strict", "parse_derived")),
        Goal::new("G6", "re-post in the core", "µs", 1.5, 0.8)
            .with(micro("repost_in_core").and_then(|core| exactly(core.nanoseconds / 1e3))),
        Goal::new("G7", "CPU time of a re-post with many bindings, of that with 1,000", "×", 1.3, 1.1)
            .with(scaled(program::MANY)),
        Goal::new("G7", "… while 1,000 of them are used", "×", 1.3, 1.1).with(scaled(program::FEW_OF_MANY)),
        Goal::new("G8", "resident memory at 32 connections", "MiB", 20.0, 12.0)
            .with(footprint.and_then(|footprint| exactly(footprint.resident as f64 / f64::from(1 << 20)))),
        Goal::new("G8", "memory per further idle connection", "KB", 20.0, 8.0)
            .with(footprint.and_then(|footprint| exactly(footprint.per_connection / 1e3))),
        Goal::new("G8", "ready after the start", "ms", 100.0, 30.0)
            .with(footprint.map(|footprint| footprint.ready)),
        Goal::new("G9", "p99 of p50 of the re-post", "×", 4.0, 3.0)
            .with(ours(title::REPOST).and_then(|series| series.summary(|sample| sample.p99 / sample.p50))),
        Goal::new("G9", "two nodes, of one", "×", 1.5, 1.8)
            .with(rate_of(results.series(title::NODES, program::TWO_NODES), ours(title::NODES))),
        Goal::new("G10", "cold release build of the server", "min", 4.0, 2.5)
            .with(tree.and_then(|tree| tree.cold_build).and_then(|time| exactly(time.as_secs_f64() / 60.0))),
        Goal::new("G10", "crates of the server", "", 200.0, 150.0)
            .with(tree.and_then(|tree| exactly(tree.crates as f64))),
        Goal::new("G11", "p99 of the re-posts that are served, 2,000 clients", "ms", 500.0, 250.0)
            .with(among_many(|sample| sample.p99 / 1e3)),
        Goal::new("G11", "p99 of GET /healthz meanwhile", "ms", 5.0, 2.0)
            .with(among_many(|sample| pressure(sample).health_p99 / 1e3)),
        Goal::new("G11", "memory per client meanwhile", "KB", 40.0, 25.0).with(among_many(memory_per_client)),
        Goal::new("G12", "p99 beside a tenant over its budget, of that without", "×", 1.1, 1.05)
            .with(beside(program::BESIDE_FLOOD, |sample| sample.p99)),
        Goal::new("G12", "p99 while GitHub hangs, of that while it answers", "×", 1.1, 1.05)
            .with(beside(program::GITHUB_HANGS, |sample| sample.p99)),
        Goal::new("G12", "p99 of GET /healthz while GitHub hangs", "ms", 5.0, 2.0).with(
            results
                .series(title::FAIRNESS, program::GITHUB_HANGS)
                .and_then(|series| series.summary(|sample| pressure(sample).health_p99 / 1e3)),
        ),
    ]
}

fn pressure(sample: &Sample) -> Pressure {
    sample.pressure.unwrap_or_default()
}

fn memory_per_client(sample: &Sample) -> f64 {
    let grown = sample.resident.saturating_sub(pressure(sample).resident_before);
    grown as f64 / 1e3 / CLIENTS as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::Sample;
    use crate::scenarios::{Footprint, Tree};

    fn goal(gate: f64, aim: f64, today: f64) -> Goal {
        Goal::new("G0", "x", "×", gate, aim).with(Summary::of([today]))
    }

    #[test]
    fn a_goal_is_reached_from_above_or_from_below() {
        let more = [(1.9, Verdict::Missed), (2.0, Verdict::Gate), (3.4, Verdict::Gate), (3.5, Verdict::Aim)];
        for (today, verdict) in more {
            assert_eq!(goal(2.0, 3.5, today).verdict(), verdict, "{today}");
        }
        let less = [(21.0, Verdict::Missed), (20.0, Verdict::Gate), (12.0, Verdict::Aim)];
        for (today, verdict) in less {
            assert_eq!(goal(20.0, 12.0, today).verdict(), verdict, "{today}");
        }
        assert_eq!(goal(0.0, 0.0, 0.0).verdict(), Verdict::Aim);
        assert_eq!(goal(0.0, 0.0, 1.0).verdict(), Verdict::Missed);
        assert_eq!(Goal::new("G0", "x", "", 1.0, 2.0).verdict(), Verdict::NotMeasured);
    }

    #[test]
    fn more_than_one_gate_is_better_in_both_directions() {
        assert_eq!(goal(2.0, 3.5, 3.0).of_gate(), Some(1.5));
        assert_eq!(goal(20.0, 12.0, 10.0).of_gate(), Some(2.0));
    }

    #[test]
    fn goals_are_computed_from_the_measurements_and_missing_ones_are_not_measured() {
        assert!(of(&Results::default()).iter().all(|goal| goal.verdict() == Verdict::NotMeasured));
        let series = |scenario, program, rate, p99| Series {
            scenario,
            program,
            samples: vec![Sample {
                rate,
                p50: 100.0,
                p99,
                server: 10.0,
                postgres: rate / 10.0,
                ..Sample::default()
            }],
        };
        let results = Results {
            series: vec![
                series(title::REPOST, program::DOCKLINE, 500.0, 250.0),
                series(title::REPOST, program::RIVAL, 1_000.0, 900.0),
                series(title::READ, program::DOCKLINE, 600.0, 0.0),
                series(title::SCALE, program::DOCKLINE, 100.0, 0.0),
                series(title::SCALE, program::MANY, 120.0, 0.0),
                series(title::DISTANT, program::DOCKLINE, 2_048.0, 0.0),
                series(title::FAIRNESS, program::ALONE, 400.0, 2_000.0),
                series(title::FAIRNESS, program::BESIDE_FLOOD, 400.0, 2_100.0),
                Series {
                    scenario: title::OVERLOAD,
                    program: program::PATIENT_CLIENTS,
                    samples: vec![Sample {
                        p99: 300_000.0,
                        resident: 60_000_000,
                        pressure: Some(Pressure {
                            health_p99: 1_500.0,
                            resident_before: 20_000_000,
                            ..Pressure::default()
                        }),
                        ..Sample::default()
                    }],
                },
            ],
            footprint: Some(Footprint {
                resident: 10 << 20,
                per_connection: 9_000.0,
                ready: Summary { median: 40.0, low: 30.0, high: 50.0 },
            }),
            tree: Some(Tree { crates: 180, cold_build: Some(Duration::from_secs(300)) }),
            micro: None,
        };
        let found: Vec<_> = of(&results)
            .into_iter()
            .filter_map(|goal| Some((goal.what, (goal.today?.median * 100.0).round() / 100.0)))
            .collect();
        assert_eq!(
            found,
            [
                ("re-post, against the hand-written handler without budgets", 0.5),
                ("GET of a binding, against the re-post", 1.2),
                ("first registration, GitHub 100 ms away, 256 in flight, of the ideal", 0.8),
                ("CPU time of a re-post with many bindings, of that with 1,000", 1.1),
                ("resident memory at 32 connections", 10.0),
                ("memory per further idle connection", 9.0),
                ("ready after the start", 40.0),
                ("p99 of p50 of the re-post", 2.5),
                ("cold release build of the server", 5.0),
                ("crates of the server", 180.0),
                ("p99 of the re-posts that are served, 2,000 clients", 300.0),
                ("p99 of GET /healthz meanwhile", 1.5),
                ("memory per client meanwhile", 20.0),
                ("p99 beside a tenant over its budget, of that without", 1.05),
            ]
        );
    }
}
