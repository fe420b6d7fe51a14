//! First registrations: each needs a tenant, a key and a state of its own, which are loaded before each measurement.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::bench::{BINDINGS, Bench, REGISTERED, registrations, tables};
use super::{program, title};
use crate::Result;
use crate::data::{Tables, load_bound, load_fresh};
use crate::load::{Load, Order, Requests};
use crate::measure::{Series, in_rounds};
use crate::options::Scenario;
use crate::servers::Server;

const SCHEMA: &str = "dockline_register";

/// More registrations per second than any program makes. If they are used up nevertheless, the measurement is shorter.
const MOST_PER_SECOND: f64 = 6_000.0;

const DISTANCE: Duration = Duration::from_millis(100);
const IN_FLIGHT: usize = 256;

pub(super) fn measure(bench: &Bench<'_>, binary: &Path) -> Result<Vec<Series>> {
    bench.drop_schema(SCHEMA)?;
    let (dockline, _) = bench.dockline(binary, SCHEMA)?;
    let tables = tables(SCHEMA);
    load_bound(&bench.database, &tables, BINDINGS)?;
    bench.warm_up(&[&dockline], registrations(0..BINDINGS)?, REGISTERED)?;
    let rivals = bench.rivals()?;
    let mut runs = Runs { bench, next: 0 };
    let programs: Vec<_> =
        [program::DOCKLINE].into_iter().chain(rivals.iter().map(|(name, _)| *name)).collect();
    let mut series = Vec::new();
    let mut rounds = |title, most_per_second: f64, connections: usize| {
        let programs: Vec<_> = programs.iter().map(|program| (title, *program)).collect();
        in_rounds(&programs, bench.options.rounds(), |index| {
            let rival = index.checked_sub(1).and_then(|index| rivals.get(index));
            let (server, tables) = rival.map_or((&dockline, &tables), |(_, server)| (server, &Tables::Rival));
            runs.sample(server, tables, most_per_second, connections)
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
        let load = Load { connections, ..self.bench.load(&[server], &requests, REGISTERED) };
        self.bench.sample(&[server], &load)
    }
}
