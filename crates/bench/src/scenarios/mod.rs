//! The scenarios.

mod bench;
mod fairness;
mod file;
mod footprint;
mod memory;
mod micro;
mod overload;
mod register;
mod repost;
mod scale;
mod tree;

pub(crate) use footprint::Footprint;
pub(crate) use micro::Micro;
pub(crate) use overload::CLIENTS;
pub(crate) use register::ideal_rate;
pub(crate) use tree::Tree;

use bench::Bench;

use crate::Result;
use crate::measure::Series;
use crate::options::{Options, Scenario};
use crate::servers;

/// The names of measured programs.
pub(crate) mod program {
    pub(crate) const DOCKLINE: &str = "Dockline";
    pub(crate) const RIVAL: &str = "hand-written";
    pub(crate) const PINGING_RIVAL: &str = "hand-written, with sqlx's default ping";
    pub(crate) const FASTIFY: &str = "fastify";
    pub(crate) const PGBENCH: &str = "pgbench";
    pub(crate) const STATIC: &str = "static route";
    pub(crate) const TWO_NODES: &str = "two nodes of Dockline";
    pub(crate) const MANY: &str = "Dockline, many bindings";
    pub(crate) const FEW_OF_MANY: &str = "Dockline, many bindings, of which 1,000 are used";
    pub(crate) const ON_FILE: &str = "Dockline on a SQLite file";
    pub(crate) const USUAL_CLIENTS: &str = "Dockline, the usual clients";
    pub(crate) const PATIENT_CLIENTS: &str = "Dockline, 2,000 clients that wait for Retry-After";
    pub(crate) const STUBBORN_CLIENTS: &str = "Dockline, 2,000 clients that do not wait";
    pub(crate) const ALONE: &str = "Dockline";
    pub(crate) const BESIDE_FLOOD: &str = "Dockline, beside a tenant over its budget";
    pub(crate) const GITHUB_HANGS: &str = "Dockline, while GitHub hangs";
}

/// The titles of scenarios.
pub(crate) mod title {
    pub(crate) const REPOST: &str = "re-post";
    pub(crate) const READ: &str = "GET of a binding";
    pub(crate) const REGISTER: &str = "first registration";
    pub(crate) const DISTANT: &str = "first registration, GitHub 100 ms away, 256 in flight";
    pub(crate) const HEALTH: &str = "GET /healthz";
    pub(crate) const MEMORY: &str = "re-post on memory";
    pub(crate) const SCALE: &str = "re-post by number of bindings";
    pub(crate) const NODES: &str = "re-post by number of nodes";
    pub(crate) const FILE_REPOST: &str = "re-post by storage";
    pub(crate) const FILE_READ: &str = "GET of a binding by storage";
    pub(crate) const FILE_REGISTER: &str = "first registration by storage";
    pub(crate) const OVERLOAD: &str = "re-post by number of clients";
    pub(crate) const FAIRNESS: &str = "re-posts and GETs, 400 a second";
}

/// All measurements. Scenarios that were not selected are missing.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) series: Vec<Series>,
    pub(crate) footprint: Option<Footprint>,
    pub(crate) micro: Option<Micro>,
    pub(crate) tree: Option<Tree>,
}

impl Results {
    /// Returns the measurements of a program in a scenario.
    pub(crate) fn series(&self, title: &str, program: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.scenario == title && series.program == program)
    }
}

/// Measures the selected scenarios.
///
/// # Errors
/// The first error; there are no partial results.
pub(crate) fn run(options: &Options) -> Result<Results> {
    let selects = |scenarios: &[Scenario]| scenarios.iter().any(|&scenario| options.selects(scenario));
    let mut results = Results::default();
    if options.selects(Scenario::Tree) {
        results.tree = Some(tree::measure(options)?);
    }
    if options.selects(Scenario::Micro) {
        results.micro = Some(micro::measure()?);
    }
    let bench = Bench::new(options)?;
    if options.selects(Scenario::Memory) {
        results.series.extend(memory::measure(&bench)?);
    }
    let on_postgres = [
        Scenario::Repost,
        Scenario::Read,
        Scenario::Register,
        Scenario::Distant,
        Scenario::Health,
        Scenario::Scale,
        Scenario::Footprint,
        Scenario::Nodes,
        Scenario::File,
        Scenario::Overload,
        Scenario::Fairness,
    ];
    if selects(&on_postgres) {
        let binary = servers::build_dockline(&options.profile)?;
        if selects(&[Scenario::Repost, Scenario::Read, Scenario::Health, Scenario::Nodes]) {
            results.series.extend(repost::measure(&bench, &binary)?);
        }
        if selects(&[Scenario::Register, Scenario::Distant]) {
            results.series.extend(register::measure(&bench, &binary)?);
        }
        if options.selects(Scenario::Footprint) {
            results.footprint = Some(footprint::measure(&bench, &binary)?);
        }
        if options.selects(Scenario::Scale) {
            results.series.extend(scale::measure(&bench, &binary)?);
        }
        if options.selects(Scenario::File) {
            results.series.extend(file::measure(&bench, &binary)?);
        }
        if options.selects(Scenario::Overload) {
            results.series.extend(overload::measure(&bench, &binary)?);
        }
        if options.selects(Scenario::Fairness) {
            results.series.extend(fairness::measure(&bench, &binary)?);
        }
    }
    Ok(results)
}
