//! The machine, the programs and the run.

use std::fs;
use std::process::Command;

use crate::options::Options;

/// Returns a paragraph about machine, programs and run.
pub(super) fn description(options: &Options) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text)).unwrap_or_default();
    format!(
        "{cores} cores{cpu}, shared by load generator, server, PostgreSQL and the fake GitHub; {}; {}; commit {}. \
         Medians of {} rounds of {} s with {} connections; in parentheses the extremes.",
        output("psql", &["--version"]).unwrap_or_else(|| "PostgreSQL".to_owned()),
        output("rustc", &["--version"]).unwrap_or_else(|| "rustc".to_owned()),
        output("git", &["describe", "--always", "--dirty"]).unwrap_or_else(|| "unknown".to_owned()),
        options.rounds(),
        options.duration().as_secs_f64(),
        options.connections,
    )
}

fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(format!(" of {}", line.split_once(':')?.1.trim()))
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_processor_names_the_model() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 3.00GHz\nprocessor\t: 1\n";
        assert_eq!(model(cpuinfo).as_deref(), Some(" of Some CPU @ 3.00GHz"));
        assert_eq!(model("processor\t: 0\n"), None);
    }
}
