//! First registrations: each needs a tenant, a key and a state of its own, which are loaded before each measurement.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::bench::{BINDINGS, Bench, registrations, tables};
use super::{program, title};
use crate::Result;
use crate::data::{Tables, load_bound, load_fresh};
use crate::load::{Load, Order, Requests};
use crate::measure::{Series, in_rounds};
use crate::options::Scenario;
use crate::servers::{Server, build_rival, start_rival};

const SCHEMA: &str = "dockline_register";

/// More registrations per second than any program makes. If they are used up nevertheless, the measurement is shorter.
const MOST_PER_SECOND: f64 = 8_000.0;

const DISTANCE: Duration = Duration::from_millis(100);
const IN_FLIGHT: usize = 256;

pub(super) fn measure(bench: &Bench<'_>, binary: &Path) -> Result<Vec<Series>> {
    bench.drop_schema(SCHEMA)?;
    let (dockline, _) = bench.dockline(binary, SCHEMA)?;
    let rival = start_rival(&build_rival()?, &bench.database, &bench.github, &bench.folder)?;
    let tables = tables(SCHEMA);
    for (server, tables) in [(&dockline, &tables), (&rival, &Tables::Rival)] {
        load_bound(&bench.database, tables, BINDINGS)?;
        bench.warm_up(&[server], registrations(0..BINDINGS)?, 200)?;
    }
    let mut runs = Runs { bench, next: 0 };
    let programs = [program::DOCKLINE, program::RIVAL];
    let mut series = Vec::new();
    let mut rounds = |title, most_per_second: f64, connections: usize| {
        in_rounds(title, &programs, bench.options.rounds(), |index| match index {
            0 => runs.sample(&dockline, &tables, most_per_second, connections),
            _ => runs.sample(&rival, &Tables::Rival, most_per_second, connections),
        })
    };
    if bench.options.selects(Scenario::Register) {
        series.extend(rounds(title::REGISTER, MOST_PER_SECOND, bench.options.connections)?);
    }
    if bench.options.selects(Scenario::Distant) {
        bench.runtime.block_on(bench.github.set_delay(DISTANCE))?;
        series.extend(rounds(title::DISTANT, ideal_rate(), IN_FLIGHT)?);
        bench.runtime.block_on(bench.github.set_delay(Duration::ZERO))?;
    }
    Ok(series)
}

/// Returns the rate of the distant scenario if nothing but the delay took time.
pub(crate) fn ideal_rate() -> f64 {
    IN_FLIGHT as f64 / DISTANCE.as_secs_f64()
}

struct Runs<'a> {
    bench: &'a Bench<'a>,
    /// The number of tenants that were loaded.
    next: u64,
}

impl Runs<'_> {
    fn sample(
        &mut self,
        server: &Server,
        tables: &Tables,
        most_per_second: f64,
        connections: usize,
    ) -> Result<crate::measure::Sample> {
        let number = (most_per_second * self.bench.options.duration().as_secs_f64()).ceil() as u64;
        let tenants = load_fresh(&self.bench.database, tables, &mut self.next, number)?;
        let requests = Arc::new(Requests::new(registrations(tenants)?, Order::Once));
        let load = Load { connections, ..self.bench.load(&[server], &requests, 201) };
        self.bench.sample(&[server], &load)
    }
}
