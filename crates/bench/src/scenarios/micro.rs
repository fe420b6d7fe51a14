//! G4 to G6: runs `cargo bench`, and reads what divan prints.

use std::process::Stdio;

use crate::Result;
use crate::servers::cargo;

/// The results of the micro benchmarks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Micro {
    pub(crate) benchmarks: Vec<Benchmark>,
}

/// The median of a micro benchmark.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Benchmark {
    pub(crate) name: String,
    pub(crate) nanoseconds: f64,
    /// Allocations per call.
    pub(crate) allocations: f64,
}

impl Micro {
    pub(crate) fn get(&self, name: &str) -> Option<&Benchmark> {
        self.benchmarks.iter().find(|benchmark| benchmark.name == name)
    }
}

pub(super) fn measure() -> Result<Micro> {
    eprintln!("running the micro benchmarks …");
    let output = cargo()
        .args(["bench", "--quiet", "--package", "dockline-bench", "--bench", "micro"])
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    eprint!("{text}");
    let micro = parse(&text);
    if output.status.success() && !micro.benchmarks.is_empty() {
        Ok(micro)
    } else {
        Err("the micro benchmarks failed: see above".into())
    }
}

/// Parses divan's table. The row of a benchmark begins with its name after `├─` or `╰─`; the rows below it that belong to its
/// allocations begin with `alloc:`, and then have the numbers. The third column is the median.
fn parse(text: &str) -> Micro {
    let mut micro = Micro::default();
    let mut allocations_follow = false;
    for line in text.lines() {
        let named = line.strip_prefix("├─ ").or_else(|| line.strip_prefix("╰─ "));
        let columns: Vec<&str> = named.unwrap_or(line).split('│').map(str::trim).collect();
        if let Some(named) = named {
            let name = named.split_whitespace().next().unwrap_or_default().to_owned();
            if let Some(nanoseconds) = columns.get(2).and_then(|column| nanoseconds(column)) {
                micro.benchmarks.push(Benchmark { name, nanoseconds, allocations: 0.0 });
            }
            allocations_follow = false;
        } else if line.contains("alloc:") && !line.contains("dealloc:") && !line.contains("max alloc:") {
            allocations_follow = true;
        } else if allocations_follow {
            // The line begins with the frame of the tree, unless the benchmark is the last one.
            let columns: Vec<&str> = columns.into_iter().skip_while(|column| column.is_empty()).collect();
            let median = columns.get(2).and_then(|column| column.parse().ok());
            if let (Some(benchmark), Some(median)) = (micro.benchmarks.last_mut(), median) {
                benchmark.allocations = median;
            }
            allocations_follow = false;
        }
    }
    micro
}

/// Parses a time such as `12.3 ns`.
fn nanoseconds(text: &str) -> Option<f64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let factor = match unit {
        "ps" => 1e-3,
        "ns" => 1.0,
        "µs" | "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
Timer precision: 20 ns
micro                   fastest       │ slowest       │ median        │ mean          │ samples │ iters
├─ repost_in_core       18.48 µs      │ 108.8 µs      │ 18.83 µs      │ 20.26 µs      │ 100     │ 100
│                       max alloc:    │               │               │               │         │
│                         12          │ 14            │ 12            │ 12.02         │         │
│                         247 B       │ 731 B         │ 247 B         │ 251.8 B       │         │
│                       alloc:        │               │               │               │         │
│                         22          │ 23            │ 22            │ 22.01         │         │
│                         521 B       │ 989 B         │ 521 B         │ 525.6 B       │         │
│                       dealloc:      │               │               │               │         │
│                         19          │ 18            │ 19            │ 18.99         │         │
│                         506 B       │ 490 B         │ 506 B         │ 505.8 B       │         │
├─ webhook_check_10_kb  167.6 µs      │ 243.2 µs      │ 168.1 µs      │ 170.7 µs      │ 100     │ 100
│                       61.07 MB/s    │ 42.09 MB/s    │ 60.89 MB/s    │ 59.98 MB/s    │         │
╰─ parse_strict         588.2 ns      │ 7.545 µs      │ 646.2 ns      │ 724.7 ns      │ 100     │ 100
                        alloc:        │               │               │               │         │
                          4           │ 5             │ 4             │ 4.2           │         │
                          91 B        │ 91 B          │ 91 B          │ 91 B          │         │
";

    #[test]
    fn the_medians_of_times_and_allocations_are_read() {
        let micro = parse(PRINTED);
        let of = |name: &str| micro.get(name).map(|found| (found.nanoseconds, found.allocations));
        assert_eq!(of("repost_in_core"), Some((18_830.0, 22.0)));
        assert_eq!(of("webhook_check_10_kb"), Some((168_100.0, 0.0)));
        assert_eq!(of("parse_strict"), Some((646.2, 4.0)));
        assert_eq!(micro.benchmarks.len(), 3);
        assert_eq!(parse("error: no bench target"), Micro::default());
    }
}
