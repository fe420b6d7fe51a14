//! The tables.

use super::goals::{Goal, Verdict};
use crate::measure::{Pressure, Sample, Series, Summary};
use crate::scenarios::Micro;

/// Returns the table of goals.
pub(super) fn goals(goals: &[Goal]) -> String {
    let mut table = "| | goal | today | gate | aim | |\n|---|---|---|---|---|---|\n".to_owned();
    for goal in goals {
        let today = goal.today.map_or_else(|| "–".to_owned(), |today| with_spread(today, goal.unit));
        let verdict = match goal.verdict() {
            Verdict::NotMeasured => "not measured",
            Verdict::Missed => "**missed**",
            Verdict::Gate => "gate reached",
            Verdict::Aim => "aim reached",
        };
        let (gate, aim) = (with_unit(goal.gate, goal.unit), with_unit(goal.aim, goal.unit));
        table += &format!("| {} | {} | {today} | {gate} | {aim} | {verdict} |\n", goal.id, goal.what);
    }
    table
}

/// Returns the table of measurements.
pub(super) fn series(series: &[Series]) -> String {
    let mut table = "| scenario | program | req/s | p50, ms | p99, ms | CPU per request, µs: server | PostgreSQL | load generator \
        | GitHub | RSS, MiB |\n|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for series in series {
        let value = |value: fn(&Sample) -> f64| match series.summary(value) {
            Some(summary) if summary.high > 0.0 => number(summary.median),
            _ => "–".to_owned(),
        };
        let rate =
            series.summary(|sample| sample.rate).map_or_else(|| "–".to_owned(), |rate| with_spread(rate, ""));
        table += &format!(
            "| {} | {} | {rate} | {} | {} | {} | {} | {} | {} | {} |\n",
            series.scenario,
            series.program,
            value(|sample| sample.p50 / 1e3),
            value(|sample| sample.p99 / 1e3),
            value(|sample| sample.server),
            value(|sample| sample.postgres),
            value(|sample| sample.load),
            value(|sample| sample.github),
            value(|sample| mebibytes(sample.resident)),
        );
    }
    table
}

/// Returns the table of the loads that a node may refuse; empty without any.
pub(super) fn pressure(series: &[Series]) -> String {
    let mut table = String::new();
    for series in series {
        let value = |value: fn(&Sample, &Pressure) -> f64| {
            let of = |sample: &Sample| {
                sample.pressure.as_ref().map_or(f64::NAN, |pressure| value(sample, pressure))
            };
            series.summary(of).map(|summary| number(summary.median))
        };
        let Some(refused) = value(|_, pressure| pressure.refused * 100.0) else { continue };
        let values = [
            value(|_, pressure| pressure.health_p99 / 1e3),
            value(|_, pressure| pressure.health_max / 1e3),
            value(|_, pressure| mebibytes(pressure.resident_before)),
            value(|sample, _| mebibytes(sample.resident)),
            value(|_, pressure| mebibytes(pressure.resident_after)),
        ];
        table += &format!("| {} | {} | {refused} |", series.scenario, series.program);
        for value in values {
            table += &format!(" {} |", value.unwrap_or_default());
        }
        table.push('\n');
    }
    if table.is_empty() {
        return table;
    }
    format!(
        "\n| scenario | program | refused, % | GET /healthz: p99, ms | longest, ms | RSS, MiB: before | at most | after |\n\
         |---|---|---|---|---|---|---|---|\n{table}"
    )
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Returns the table of micro benchmarks.
pub(super) fn micro(micro: &Micro) -> String {
    let mut table = "\n| within a process | ns | allocations |\n|---|---|---|\n".to_owned();
    for benchmark in &micro.benchmarks {
        let (time, allocations) = (number(benchmark.nanoseconds), number(benchmark.allocations));
        table += &format!("| {} | {time} | {allocations} |\n", benchmark.name.replace('_', " "));
    }
    table
}

fn with_spread(summary: Summary, unit: &str) -> String {
    let median = with_unit(summary.median, unit);
    if summary.low == summary.high {
        median
    } else {
        format!("{median} ({}–{})", number(summary.low), number(summary.high))
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    format!("{} {unit}", number(value)).trim_end().to_owned()
}

/// Spells a number with about three digits, and with separators from a thousand on.
pub(super) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude < 100.0 {
        let decimals = if magnitude < 0.1 { 3 } else { 1 + usize::from(magnitude < 10.0) };
        let text = format!("{value:.decimals$}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let follow = digits.len() - index;
        if index > 0 && follow % 3 == 0 && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_three_digits() {
        let spelled = [
            (0.0, "0"),
            (0.0123, "0.012"),
            (0.4567, "0.46"),
            (2.0, "2"),
            (3.5, "3.5"),
            (12.34, "12.3"),
            (20.0, "20"),
            (99.96, "100"),
            (100.0, "100"),
            (345.6, "346"),
            (43_312.5, "43,312"),
            (1_234_567.0, "1,234,567"),
            (-1_234.0, "-1,234"),
            (-123.0, "-123"),
        ];
        for (value, text) in spelled {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_measurement_has_its_extremes_and_unknown_values_a_dash() {
        let samples = [3_000.0, 3_500.0, 3_200.0].map(|rate| Sample {
            rate,
            p50: 9_000.0,
            p99: 21_000.0,
            server: 180.0,
            ..Sample::default()
        });
        let series_of = Series { scenario: "re-post", program: "Dockline", samples: samples.into() };
        let table = series(&[series_of]);
        let row = "| re-post | Dockline | 3,200 (3,000–3,500) | 9 | 21 | 180 | – | – | – | – |\n";
        assert!(table.ends_with(row), "{table}");
    }

    #[test]
    fn loads_under_pressure_have_a_table_of_their_own() {
        let calm = Series { scenario: "re-post", program: "Dockline", samples: vec![Sample::default()] };
        assert_eq!(pressure(std::slice::from_ref(&calm)), "");
        let under = Pressure {
            refused: 0.25,
            health_p99: 1_500.0,
            health_max: 4_000.0,
            resident_before: 20 << 20,
            resident_after: 40 << 20,
        };
        let sample = Sample { resident: 60 << 20, pressure: Some(under), ..Sample::default() };
        let table = pressure(&[calm, Series { scenario: "s", program: "p", samples: vec![sample] }]);
        assert!(table.ends_with("|---|\n| s | p | 25 | 1.5 | 4 | 20 | 60 | 40 |\n"), "{table}");
    }
}
