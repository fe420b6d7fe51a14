//! The setup that all scenarios share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dockline_bench::Tenant;
use tokio::runtime::Runtime;

use super::program;
use crate::Result;
use crate::data::{Tables, load_bound};
use crate::database::Database;
use crate::load::{Crowd, Load, Order, Requests, get, post};
use crate::measure::{CpuTime, Pressure, Probe, Sample, percentile, resident_bytes};
use crate::options::{Options, repository};
use crate::servers::{
    Dockline, Github, Server, Storage, build_rival, create_tables, install_fastify, start_fastify,
    start_rival,
};

/// Bindings in the tables of all scenarios but `scale`.
pub(super) const BINDINGS: u64 = 1_000;

/// The status of a registration, repeated or not.
pub(super) const REGISTERED: u16 = 201;

const PATH: &str = "/v1/github/installation";

/// A database, a fake GitHub, and the load generator on this thread.
pub(super) struct Bench<'a> {
    pub(super) options: &'a Options,
    pub(super) database: Database,
    /// The server's process.
    pub(super) postmaster: u32,
    pub(super) github: Github,
    /// For logs.
    pub(super) folder: PathBuf,
    pub(super) runtime: Runtime,
}

impl<'a> Bench<'a> {
    pub(super) fn new(options: &'a Options) -> Result<Self> {
        let folder = repository().join("target/benchmarks/run");
        std::fs::create_dir_all(&folder)?;
        let database = Database::from_environment()?;
        Ok(Self {
            options,
            postmaster: database.postmaster()?,
            database,
            github: Github::start(&folder)?,
            folder,
            // One thread, so that the load leaves the machine to the servers.
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        })
    }

    /// Starts a node of Dockline on a schema. Also returns the time until it was ready.
    pub(super) fn dockline(&self, binary: &Path, schema: &str) -> Result<(Server, Duration)> {
        self.start(binary, Storage::Schema(schema))
    }

    /// Starts a node of Dockline on the file in a folder.
    pub(super) fn dockline_on_file(&self, binary: &Path, folder: &Path) -> Result<Server> {
        self.start(binary, Storage::Folder(folder)).map(|(server, _)| server)
    }

    fn start(&self, binary: &Path, storage: Storage<'_>) -> Result<(Server, Duration)> {
        let Self { database, github, folder, options, .. } = self;
        let dockline = Dockline { binary, database, github, folder, log: &options.log };
        self.runtime.block_on(dockline.start(storage))
    }

    /// Deletes a schema of an earlier run.
    pub(super) fn drop_schema(&self, schema: &str) -> Result<()> {
        self.database.query(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).map(drop)
    }

    /// Starts the rivals on new tables, with their names.
    pub(super) fn rivals(&self) -> Result<Vec<(&'static str, Server)>> {
        let Self { database, github, folder, options, .. } = self;
        create_tables(database)?;
        load_bound(database, &Tables::Rival, BINDINGS)?;
        let binary = build_rival(&options.profile)?;
        let mut rivals = Vec::new();
        for (name, pings) in [(program::RIVAL, false), (program::PINGING_RIVAL, true)] {
            rivals.push((name, start_rival(&binary, database, github, folder, pings)?));
        }
        if options.fastify {
            rivals.push((program::FASTIFY, start_fastify(&install_fastify()?, database, github, folder)?));
        }
        for (_, rival) in &rivals {
            self.warm_up(&[rival], registrations(0..BINDINGS)?, REGISTERED)?;
        }
        Ok(rivals)
    }

    /// Returns a load of the usual connections and duration.
    pub(super) fn load(&self, servers: &[&Server], requests: &Arc<Requests>, status: u16) -> Load {
        Load {
            servers: servers.iter().map(|server| server.address).collect(),
            connections: self.options.connections,
            duration: self.options.duration(),
            requests: Arc::clone(requests),
            status,
        }
    }

    /// Sends every request once, so that caches are warm and statements are prepared.
    pub(super) fn warm_up(&self, servers: &[&Server], requests: Vec<Vec<u8>>, status: u16) -> Result<()> {
        let requests = Arc::new(Requests::new(requests, Order::Once));
        let load = Load { duration: Duration::from_secs(600), ..self.load(servers, &requests, status) };
        self.runtime.block_on(load.run()).map(drop)
    }

    /// Generates the load and measures it.
    pub(super) fn sample(&self, servers: &[&Server], load: &Load) -> Result<Sample> {
        let pids: Vec<u32> = servers.iter().map(|server| server.pid()).collect();
        let before = self.cpu_times(&pids)?;
        let measured = self.runtime.block_on(load.run())?;
        let [server, postgres, load, github] = self.since(&before, &pids, measured.latencies.len())?;
        let resident = pids.iter().map(|&pid| resident_bytes(pid)).sum::<Result<u64>>()?;
        Ok(Sample {
            rate: measured.rate(),
            p50: f64::from(percentile(&measured.latencies, 0.5)),
            p99: f64::from(percentile(&measured.latencies, 0.99)),
            server,
            postgres,
            load,
            github,
            resident,
            pressure: None,
        })
    }

    /// Generates the load of a crowd, probes the server meanwhile, and measures both. The CPU time is that per success.
    pub(super) fn sample_crowd(&self, server: &Server, crowd: &Crowd) -> Result<Sample> {
        let pids = [server.pid()];
        let resident_before = resident_bytes(server.pid())?;
        let before = self.cpu_times(&pids)?;
        let probe = Probe::start(server.address, server.pid());
        let answered = self.runtime.block_on(crowd.run());
        let probed = probe.stop()?;
        let answered = answered?;
        let times = self.since(&before, &pids, answered.latencies.len())?;
        // The server notices that the clients have left.
        std::thread::sleep(Duration::from_secs(1));
        let [server_time, postgres, load, github] = times;
        let pressure = Pressure {
            refused: answered.refused_share(),
            health_p99: f64::from(percentile(&probed.latencies, 0.99)),
            health_max: f64::from(percentile(&probed.latencies, 1.0)),
            resident_before,
            resident_after: resident_bytes(server.pid())?,
        };
        Ok(Sample {
            rate: answered.latencies.len() as f64 / answered.elapsed.as_secs_f64(),
            p50: f64::from(percentile(&answered.latencies, 0.5)),
            p99: f64::from(percentile(&answered.latencies, 0.99)),
            server: server_time,
            postgres,
            load,
            github,
            resident: probed.resident,
            pressure: Some(pressure),
        })
    }

    /// Returns the CPU time so far of the servers, PostgreSQL, this process and GitHub.
    fn cpu_times(&self, servers: &[u32]) -> Result<[CpuTime; 4]> {
        Ok([
            CpuTime::of(servers)?,
            CpuTime::of(&[self.postmaster])?,
            CpuTime::of_this_process()?,
            CpuTime::of(&[self.github.pid()])?,
        ])
    }

    /// Returns the CPU time per request since `before`.
    fn since(&self, before: &[CpuTime; 4], servers: &[u32], requests: usize) -> Result<[f64; 4]> {
        let after = self.cpu_times(servers)?;
        Ok(std::array::from_fn(|index| match (after.get(index), before.get(index)) {
            (Some(after), Some(before)) => (*after - *before).per_request(requests),
            _ => 0.0,
        }))
    }
}

pub(super) fn tables(schema: &str) -> Tables {
    Tables::Dockline { schema: schema.to_owned() }
}

/// Returns the registrations of tenants.
pub(super) fn registrations(tenants: impl Iterator<Item = u64>) -> Result<Vec<Vec<u8>>> {
    tenants.map(Tenant).map(|tenant| Ok(post(PATH, &tenant.key()?.expose(), &tenant.body()))).collect()
}

/// Returns the reads of tenants' bindings.
pub(super) fn reads(tenants: impl Iterator<Item = u64>) -> Result<Vec<Vec<u8>>> {
    tenants.map(Tenant).map(|tenant| Ok(get(PATH, Some(&tenant.key()?.expose())))).collect()
}
