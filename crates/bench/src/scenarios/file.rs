//! One SQLite file against PostgreSQL, in the same rounds.

use std::path::Path;
use std::sync::Arc;

use dockline_bench::Tenant;

use super::bench::{BINDINGS, Bench, REGISTERED, reads, registrations, tables};
use super::{program, title};
use crate::Result;
use crate::data::{FIRST_FRESH, Tables, load_bound, load_fresh};
use crate::load::{Order, Requests};
use crate::measure::{Series, in_rounds};
use crate::{file, servers::Server};

const SCHEMA: &str = "dockline_beside_file";

/// The name that `dockline serve` gives its file.
const FILE: &str = "dockline.db";

/// More registrations per second than either makes.
const MOST_PER_SECOND: f64 = 6_000.0;

pub(super) fn measure(bench: &Bench<'_>, binary: &Path) -> Result<Vec<Series>> {
    bench.drop_schema(SCHEMA)?;
    let (on_postgres, _) = bench.dockline(binary, SCHEMA)?;
    let tables = tables(SCHEMA);
    load_bound(&bench.database, &tables, BINDINGS)?;
    let folder = bench.folder.join("file");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => std::fs::create_dir_all(&folder)?,
    }
    let on_file = bench.dockline_on_file(binary, &folder)?;
    let path = folder.join(FILE);
    file::load_fresh(&path, (0..BINDINGS).map(Tenant))?;
    // On the file, these are first registrations.
    for server in [&on_postgres, &on_file] {
        bench.warm_up(&[server], registrations(0..BINDINGS)?, REGISTERED)?;
    }

    let programs = [(program::DOCKLINE, &on_postgres), (program::ON_FILE, &on_file)];
    let kinds = [
        (title::FILE_REPOST, registrations(0..BINDINGS)?, REGISTERED),
        (title::FILE_READ, reads(0..BINDINGS)?, 200),
    ];
    let mut series = Vec::new();
    for (title, requests, status) in kinds {
        let requests = Arc::new(Requests::new(requests, Order::Again));
        let names = programs.map(|(program, _)| (title, program));
        series.extend(in_rounds(&names, bench.options.rounds(), |index| {
            let server = programs.get(index).ok_or("there are two programs")?.1;
            bench.sample(&[server], &bench.load(&[server], &requests, status))
        })?);
    }
    let mut fresh = Fresh { bench, tables, file: &path, next: 0 };
    let names = programs.map(|(program, _)| (title::FILE_REGISTER, program));
    series.extend(in_rounds(&names, bench.options.rounds(), |index| {
        let server = programs.get(index).ok_or("there are two programs")?.1;
        fresh.sample(server, index == 1)
    })?);
    drop((on_postgres, on_file));
    std::fs::remove_dir_all(&folder)?;
    Ok(series)
}

/// Tenants that are loaded before each measurement.
struct Fresh<'a> {
    bench: &'a Bench<'a>,
    tables: Tables,
    file: &'a Path,
    /// The number of tenants that were loaded.
    next: u64,
}

impl Fresh<'_> {
    fn sample(&mut self, server: &Server, on_file: bool) -> Result<crate::measure::Sample> {
        let number = (MOST_PER_SECOND * self.bench.options.duration().as_secs_f64()).ceil() as u64;
        let tenants = if on_file {
            let first = FIRST_FRESH + self.next;
            self.next += number;
            file::load_fresh(self.file, (first..first + number).map(Tenant))?;
            first..first + number
        } else {
            load_fresh(&self.bench.database, &self.tables, &mut self.next, number)?
        };
        let requests = Arc::new(Requests::new(registrations(tenants)?, Order::Once));
        self.bench.sample(&[server], &self.bench.load(&[server], &requests, REGISTERED))
    }
}
