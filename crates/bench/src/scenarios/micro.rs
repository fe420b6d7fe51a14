//! G4 to G6: runs `cargo bench`, and reads what divan prints.

use std::process::{Command, Stdio};

use crate::Result;
use crate::options::repository;

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
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["bench", "--quiet", "--package", "dockline-bench", "--bench", "micro"])
        .current_dir(repository())
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
