//! More clients than a node serves at a time: the latency of those that are served, the share of those that are refused, the
//! memory, and probes meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dockline_listener::raise_open_file_limit;

use super::bench::{BINDINGS, Bench, REGISTERED, registrations, tables};
use super::{program, title};
use crate::Result;
use crate::data::load_bound;
use crate::load::{Crowd, Order, Requests};
use crate::measure::{Series, in_rounds};

const SCHEMA: &str = "dockline_overload";

pub(crate) const CLIENTS: usize = 2_000;

pub(super) fn measure(bench: &Bench<'_>, binary: &Path) -> Result<Vec<Series>> {
    if raise_open_file_limit(CLIENTS + 500) < CLIENTS + 500 {
        return Err("the limit of open files is too low: ulimit -n 4096".into());
    }
    bench.drop_schema(SCHEMA)?;
    let (dockline, _) = bench.dockline(binary, SCHEMA)?;
    load_bound(&bench.database, &tables(SCHEMA), BINDINGS)?;
    bench.warm_up(&[&dockline], registrations(0..BINDINGS)?, REGISTERED)?;
    let reposts = Arc::new(Requests::new(registrations(0..BINDINGS)?, Order::Again));
    let crowd = |clients, patient| Crowd {
        server: dockline.address,
        clients,
        duration: bench.options.duration(),
        requests: Arc::clone(&reposts),
        interval: Duration::ZERO,
        spread: Duration::ZERO,
        patient,
    };
    let runs = [
        (program::USUAL_CLIENTS, crowd(bench.options.connections, true)),
        (program::PATIENT_CLIENTS, crowd(CLIENTS, true)),
        (program::STUBBORN_CLIENTS, crowd(CLIENTS, false)),
    ];
    let programs: Vec<_> = runs.iter().map(|(program, _)| (title::OVERLOAD, *program)).collect();
    in_rounds(&programs, bench.options.rounds(), |index| {
        let (_, crowd) = runs.get(index).ok_or("there are three crowds")?;
        bench.sample_crowd(&dockline, crowd)
    })
}
