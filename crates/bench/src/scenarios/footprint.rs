//! G8: memory of the process, and the time to start.

use std::path::Path;
use std::sync::Arc;

use dockline_listener::raise_open_file_limit;

use super::bench::{BINDINGS, Bench, REGISTERED, registrations, tables};
use crate::Result;
use crate::data::load_bound;
use crate::load::{Connection, Order, Requests, get};
use crate::measure::{Summary, resident_bytes};

const SCHEMA: &str = "dockline_footprint";

/// The memory and the start time of a node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Footprint {
    /// Bytes under load from the usual connections.
    pub(crate) resident: u64,
    /// Bytes per further idle connection.
    pub(crate) per_connection: f64,
    /// Milliseconds from the start of the program until it is ready, on a migrated schema.
    pub(crate) ready: Summary,
}

pub(super) fn measure(bench: &Bench<'_>, binary: &Path) -> Result<Footprint> {
    bench.drop_schema(SCHEMA)?;
    drop(bench.dockline(binary, SCHEMA)?);
    load_bound(&bench.database, &tables(SCHEMA), BINDINGS)?;
    let mut times = Vec::new();
    for _ in 0..if bench.options.quick { 3 } else { 9 } {
        let (_, time) = bench.dockline(binary, SCHEMA)?;
        times.push(time.as_secs_f64() * 1e3);
    }
    let ready = Summary::of(times).ok_or("no start was measured")?;

    let (server, _) = bench.dockline(binary, SCHEMA)?;
    let requests = Arc::new(Requests::new(registrations(0..BINDINGS)?, Order::Again));
    let resident = bench.sample(&[&server], &bench.load(&[&server], &requests, REGISTERED))?.resident;
    // The limit of open files may allow fewer.
    let idle = raise_open_file_limit(if bench.options.quick { 200 } else { 2_000 });
    let opened = bench.runtime.block_on(async {
        let mut opened = Vec::new();
        for _ in 0..idle {
            let mut connection = Connection::open(server.address).await?;
            connection.exchange(&get("/healthz", None)).await?;
            opened.push(connection);
        }
        Ok::<_, crate::Error>(opened)
    })?;
    let further = resident_bytes(server.pid())?.saturating_sub(resident);
    eprintln!(
        "footprint: {} KiB, {} connections take {} KiB, ready after {ready:?} ms",
        resident / 1024,
        opened.len(),
        further / 1024
    );
    Ok(Footprint { resident, per_connection: further as f64 / opened.len() as f64, ready })
}
