//! The plots of a run.

use super::goals::Goal;
use super::markdown::number;
use super::svg::{Bar, Chart};
use crate::measure::Series;

/// Goals that are reached many times over would make the others unreadable.
const LONGEST: f64 = 3.0;

/// Draws how far each goal is reached.
pub(super) fn goals(goals: &[Goal]) -> String {
    let bars = goals.iter().filter_map(|goal| {
        let reached = goal.of_gate().filter(|reached| reached.is_finite())?;
        let today = goal.today?.median;
        Some(Bar {
            label: format!("{} {}", goal.id, shortened(goal.what)),
            value: format!("{} {}", number(today), goal.unit).trim_end().to_owned(),
            segments: vec![reached.clamp(0.0, LONGEST)],
            spread: None,
        })
    });
    let title = "Today, in gates: beyond the line a gate is reached (bars end at three gates)";
    Chart { title, legend: &[], bars: bars.collect(), line: Some(1.0) }.svg()
}

/// Draws requests per second.
pub(super) fn rates(series: &[Series]) -> String {
    let bars = series.iter().filter_map(|series| {
        let rate = series.summary(|sample| sample.rate)?;
        Some(Bar {
            label: label(series),
            value: number(rate.median),
            segments: vec![rate.median],
            spread: Some((rate.low, rate.high)),
        })
    });
    Chart {
        title: "Requests per second: median and extremes over the rounds",
        legend: &[],
        bars: bars.collect(),
        line: None,
    }
    .svg()
}

/// Draws where the CPU time of a request goes.
pub(super) fn cpu(series: &[Series]) -> String {
    let bars = series.iter().filter_map(|series| {
        let parts = [
            series.summary(|sample| sample.server)?.median,
            series.summary(|sample| sample.postgres)?.median,
            series.summary(|sample| sample.load)?.median,
            series.summary(|sample| sample.github)?.median,
        ];
        Some(Bar {
            label: label(series),
            value: number(parts.iter().sum()),
            segments: parts.to_vec(),
            spread: None,
        })
    });
    let legend = ["server", "PostgreSQL", "load generator", "GitHub"];
    Chart { title: "CPU time per request, µs", legend: &legend, bars: bars.collect(), line: None }.svg()
}

fn label(series: &Series) -> String {
    format!("{}: {}", shortened(series.scenario), series.program)
}

/// Cuts a label at a comma if it is long.
fn shortened(text: &str) -> &str {
    match text.split_once(',') {
        Some((start, _)) if text.chars().count() > 44 => start,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Sample;

    #[test]
    fn a_series_has_one_bar_per_plot() {
        let sample = |rate| Sample { rate, server: 100.0, postgres: 50.0, load: 10.0, ..Sample::default() };
        let series =
            [Series { scenario: "re-post", program: "Dockline", samples: vec![sample(10.0), sample(30.0)] }];
        let (rates, cpu) = (rates(&series), cpu(&series));
        assert_eq!(rates.matches("re-post: Dockline").count(), 1);
        assert!(rates.contains(">20</text>") && cpu.contains(">160</text>"), "{rates}{cpu}");
    }
}
