//! Re-posts, reads, probes, and two nodes: everything on a schema that does not grow.

use std::path::Path;
use std::sync::Arc;

use super::bench::{BINDINGS, Bench, REGISTERED, reads, registrations, tables};
use super::{program, title};
use crate::Result;
use crate::data::load_bound;
use crate::load::{Order, Requests, get};
use crate::measure::{CpuTime, Sample, Series, in_rounds};
use crate::options::Scenario;

const SCHEMA: &str = "dockline";

/// A row by its primary key, of as many rows as there are bindings.
const PGBENCH_TABLE: &str = "DROP TABLE IF EXISTS pgbench_rows; \
    CREATE TABLE pgbench_rows AS SELECT 'bench-' || number AS organization, 1000000 + number AS installation_id, \
     'account-' || number AS account_login, now() AS registered_at FROM generate_series(0, 999) AS number; \
    ALTER TABLE pgbench_rows ADD PRIMARY KEY (installation_id)";
const PGBENCH_SCRIPT: &str = "\\set number random(1000000, 1000999)\n\
    SELECT organization, installation_id, account_login, registered_at FROM pgbench_rows WHERE installation_id = :number;\n";
const PGBENCH_CLIENTS: usize = 8;

pub(super) fn measure(bench: &Bench<'_>, binary: &Path) -> Result<Vec<Series>> {
    let (options, rounds) = (bench.options, bench.options.rounds());
    bench.drop_schema(SCHEMA)?;
    let (dockline, _) = bench.dockline(binary, SCHEMA)?;
    load_bound(&bench.database, &tables(SCHEMA), BINDINGS)?;
    bench.warm_up(&[&dockline], registrations(0..BINDINGS)?, REGISTERED)?;
    let reposts = Arc::new(Requests::new(registrations(0..BINDINGS)?, Order::Again));
    let mut series = Vec::new();
    if options.selects(Scenario::Repost) || options.selects(Scenario::Read) {
        let rivals = bench.rivals()?;
        bench.database.query(PGBENCH_TABLE)?;
        bench.warm_up(&[&dockline], reads(0..BINDINGS)?, 200)?;
        let reads = Arc::new(Requests::new(reads(0..BINDINGS)?, Order::Again));
        let rivals = rivals.iter().map(|(name, server)| (*name, server));
        let servers: Vec<_> = [(program::DOCKLINE, &dockline)].into_iter().chain(rivals).collect();
        // The reads belong to the same rounds, since they are compared with the re-posts.
        let kinds = [(title::REPOST, &reposts, REGISTERED), (title::READ, &reads, 200)];
        let runs: Vec<_> =
            kinds.iter().flat_map(|kind| servers.iter().map(move |server| (kind, server))).collect();
        let names = runs.iter().map(|((title, ..), (program, _))| (*title, *program));
        let names: Vec<_> = names.chain([(title::REPOST, program::PGBENCH)]).collect();
        series.extend(in_rounds(&names, rounds, |index| match runs.get(index) {
            Some(((_, requests, status), (_, server))) => {
                bench.sample(&[server], &bench.load(&[server], requests, *status))
            }
            None => pgbench(bench),
        })?);
    }
    if options.selects(Scenario::Health) {
        let probes = Arc::new(Requests::new(vec![get("/healthz", None)], Order::Again));
        series.extend(in_rounds(&[(title::HEALTH, program::DOCKLINE)], rounds, |_| {
            bench.sample(&[&dockline], &bench.load(&[&dockline], &probes, 200))
        })?);
    }
    if options.selects(Scenario::Nodes) {
        let (second, _) = bench.dockline(binary, SCHEMA)?;
        bench.warm_up(&[&second], registrations(0..BINDINGS)?, REGISTERED)?;
        let nodes = [&dockline, &second];
        let programs = [(title::NODES, program::DOCKLINE), (title::NODES, program::TWO_NODES)];
        series.extend(in_rounds(&programs, rounds, |index| {
            let nodes = if index == 0 { nodes.get(..1).unwrap_or(&nodes) } else { &nodes };
            bench.sample(nodes, &bench.load(nodes, &reposts, REGISTERED))
        })?);
    }
    Ok(series)
}

/// Runs pgbench, which takes the place of both server and load generator.
fn pgbench(bench: &Bench<'_>) -> Result<Sample> {
    let script = bench.folder.join("select.sql");
    std::fs::write(&script, PGBENCH_SCRIPT)?;
    // pgbench takes whole seconds.
    let seconds = bench.options.duration().as_secs_f64().ceil().max(1.0) as u64;
    let counters = || Ok::<_, crate::Error>((CpuTime::of(&[bench.postmaster])?, CpuTime::of_this_process()?));
    let before = counters()?;
    let rate = bench.database.pgbench(&script, PGBENCH_CLIENTS, seconds)?;
    let after = counters()?;
    let transactions = (rate * seconds as f64) as usize;
    Ok(Sample {
        rate,
        postgres: (after.0 - before.0).per_request(transactions),
        load: (after.1 - before.1).per_request(transactions),
        ..Sample::default()
    })
}
