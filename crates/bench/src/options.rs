//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};

/// The commands. All but `run` are programs that `run` starts.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", about = "Measures Dockline against other programs on this machine")]
pub(crate) enum Command {
    /// Measure, print the table of goals, and write table and plots.
    #[command(override_usage = "cargo xtask bench [OPTIONS] [SCENARIOS]...")]
    Run(Options),
    /// Serve a fake GitHub.
    #[command(hide = true)]
    Github,
    /// Serve the API on memory.
    #[command(hide = true)]
    Memory,
}

/// The scenarios to measure, and the duration.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Scenarios to measure; by default all.
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// Measure for a few seconds only, to try it out: 3 rounds of 2 seconds.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Rounds, in each of which every program is measured once.
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds per measurement.
    #[arg(long)]
    seconds: Option<f64>,
    /// Connections of the load generator, each with one request in flight.
    #[arg(long, default_value_t = 32)]
    pub(crate) connections: usize,
    /// Bindings of the large schema in the scenario `scale`, up to 10 million.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    bindings: Option<u64>,
    /// Level of Dockline's log, which goes to a file. The level `info`, its default, writes a line per registration; the
    /// rival writes none.
    #[arg(long, default_value = "warn")]
    pub(crate) log: String,
    /// Also measure the rival for Node, on fastify. Needs Node and npm.
    #[arg(long)]
    pub(crate) fastify: bool,
    /// Also time a cold release build of the server, which takes minutes.
    #[arg(long)]
    pub(crate) cold_build: bool,
    /// Profile with which the programs are built. `dev` is for work on the harness: its numbers mean nothing.
    #[arg(long, default_value = "release", hide = true)]
    pub(crate) profile: String,
    /// Folder for the table and the plots; by default docs/benchmarks, with --quick target/benchmarks.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// G1: the same registration again, against the rival and pgbench.
    Repost,
    /// G1: reading a binding, against the re-post.
    Read,
    /// G2: first registrations, against the rival.
    Register,
    /// G2: first registrations with GitHub 100 ms away and 256 in flight.
    Distant,
    /// The listener alone: GET /healthz.
    Health,
    /// G3: the re-post on memory adapters, against a static route of the same app.
    Memory,
    /// G4 to G6: within a process.
    Micro,
    /// G7: the cost with many bindings.
    Scale,
    /// G8: memory of the process, and the time to start.
    Footprint,
    /// G9: two nodes on one database.
    Nodes,
    /// One SQLite file against PostgreSQL.
    File,
    /// G11: 2,000 clients on one node.
    Overload,
    /// G12: beside a tenant over its budget, and while GitHub hangs.
    Fairness,
    /// G10: crates in the server's tree, and with --cold-build the time to build it.
    Tree,
}

impl Options {
    pub(crate) fn selects(&self, scenario: Scenario) -> bool {
        self.scenarios.is_empty() || self.scenarios.contains(&scenario)
    }

    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 3 } else { 5 }).max(1)
    }

    pub(crate) fn duration(&self) -> Duration {
        let seconds = self.seconds.unwrap_or(if self.quick { 2.0 } else { 6.0 });
        Duration::from_secs_f64(seconds.clamp(0.1, 600.0))
    }

    pub(crate) fn bindings(&self) -> u64 {
        self.bindings.unwrap_or(if self.quick { 50_000 } else { 1_000_000 })
    }

    /// Returns the folder for the results. A quick run does not replace published ones.
    pub(crate) fn folder(&self) -> PathBuf {
        let default = if self.quick { "target/benchmarks" } else { "docs/benchmarks" };
        self.out.clone().unwrap_or_else(|| repository().join(default))
    }
}

/// Returns the repository's root.
pub(crate) fn repository() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.and_then(Path::parent).unwrap_or(Path::new(".")).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Options {
        match Command::try_parse_from(["bench", "run"].into_iter().chain(line.split_whitespace())).unwrap() {
            Command::Run(options) => options,
            Command::Github | Command::Memory => panic!("another command"),
        }
    }

    #[test]
    fn without_names_all_scenarios_are_selected() {
        assert!(options("").selects(Scenario::Nodes));
        let some = options("repost micro --quick");
        assert!(
            some.selects(Scenario::Repost) && some.selects(Scenario::Micro) && !some.selects(Scenario::Nodes)
        );
    }

    #[test]
    fn a_quick_run_is_short_and_does_not_replace_published_results() {
        let (quick, full) = (options("--quick"), options(""));
        assert!(quick.rounds() < full.rounds() && quick.duration() < full.duration());
        assert!(full.folder().ends_with("docs/benchmarks"));
        assert!(quick.folder().ends_with("target/benchmarks"));
        assert_eq!(options("--quick --out x").folder(), PathBuf::from("x"));
        assert_eq!(options("--quick --rounds 9 --seconds 0.5").rounds(), 9);
    }
}
