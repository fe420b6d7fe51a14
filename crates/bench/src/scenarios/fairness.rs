//! The effect of other tenants: one far over its budget, and registrations that wait for a GitHub that does not answer.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dockline_bench::Tenant;
use dockline_listener::raise_open_file_limit;

use super::bench::{BINDINGS, Bench, REGISTERED, reads, registrations, tables};
use super::{program, title};
use crate::Result;
use crate::data::{load_bound, load_fresh};
use crate::load::{Beside, Crowd, Order, Requests};
use crate::measure::{Sample, Series, in_rounds};
use crate::servers::Server;

const SCHEMA: &str = "dockline_fairness";

/// Re-posts and reads per second of the tenants that are measured: a part of what a node serves, so that a queue is the doing of
/// the others.
const PER_SECOND: u32 = 400;

/// Connections of the tenant over its budget.
const OVER_BUDGET: usize = 64;

/// First registrations in flight while GitHub hangs: of one tenant, and of others with one each.
const OF_ONE_TENANT: usize = 1_100;
const OF_OTHERS: u64 = 400;

/// Longer than any measurement.
const HANGS: Duration = Duration::from_secs(3_600);

/// The time over which those registrations begin.
const SPREAD: Duration = Duration::from_secs(1);

pub(super) fn measure(bench: &Bench<'_>, binary: &Path) -> Result<Vec<Series>> {
    if raise_open_file_limit(4_000) < 4_000 {
        return Err("the limit of open files is too low: ulimit -n 4096".into());
    }
    bench.drop_schema(SCHEMA)?;
    let (dockline, _) = bench.dockline(binary, SCHEMA)?;
    // The last of them is the one over its budget.
    load_bound(&bench.database, &tables(SCHEMA), BINDINGS + 1)?;
    let others = 0..BINDINGS;
    bench.warm_up(&[&dockline], registrations(others.clone())?, REGISTERED)?;
    let noisy = Tenant(BINDINGS);
    bench.database.query(&format!(
        "UPDATE {SCHEMA}.api_keys SET writes_per_minute = 60 WHERE organization = '{}'",
        noisy.organization()
    ))?;
    let waiting = load_fresh(&bench.database, &tables(SCHEMA), &mut 0, OF_OTHERS + 1)?;
    let mut requests = registrations(others.clone())?;
    requests.extend(reads(others)?);
    let scene =
        Scene { bench, dockline: &dockline, requests: Arc::new(Requests::new(requests, Order::Again)) };
    let programs = [program::ALONE, program::BESIDE_FLOOD, program::GITHUB_HANGS];
    let programs = programs.map(|program| (title::FAIRNESS, program));
    in_rounds(&programs, bench.options.rounds(), |index| match index {
        0 => scene.others(),
        1 => {
            let requests = Arc::new(Requests::new(registrations([noisy.0].into_iter())?, Order::Again));
            scene.others_beside(Crowd {
                requests,
                clients: OVER_BUDGET,
                spread: Duration::ZERO,
                patient: false,
                ..scene.crowd()
            })
        }
        _ => {
            bench.runtime.block_on(bench.github.set_delay(HANGS))?;
            let sample = hanging(&waiting).and_then(|requests| {
                let clients = requests.len();
                let requests = Arc::new(Requests::new(requests, Order::Again));
                scene.others_beside(Crowd {
                    requests,
                    clients,
                    spread: SPREAD,
                    patient: true,
                    ..scene.crowd()
                })
            });
            bench.runtime.block_on(bench.github.set_delay(Duration::ZERO))?;
            sample
        }
    })
}

/// Returns first registrations, the most of the first of these tenants.
fn hanging(tenants: &Range<u64>) -> Result<Vec<Vec<u8>>> {
    let of_one = std::iter::repeat_n(tenants.start, OF_ONE_TENANT);
    registrations(of_one.chain(tenants.clone().skip(1)))
}

struct Scene<'a> {
    bench: &'a Bench<'a>,
    dockline: &'a Server,
    /// Of the tenants that are measured.
    requests: Arc<Requests>,
}

impl Scene<'_> {
    fn others(&self) -> Result<Sample> {
        let clients = u32::try_from(self.bench.options.connections)?;
        let interval = Duration::from_secs(1) * clients / PER_SECOND;
        let crowd = Crowd {
            clients: self.bench.options.connections,
            duration: self.bench.options.duration(),
            interval,
            spread: interval,
            patient: true,
            ..self.crowd()
        };
        self.bench.sample_crowd(self.dockline, &crowd)
    }

    fn others_beside(&self, crowd: Crowd) -> Result<Sample> {
        let beside = Beside::start(crowd)?;
        let sample = self.others();
        beside.stop()?;
        sample
    }

    /// Returns what all crowds have in common.
    fn crowd(&self) -> Crowd {
        Crowd {
            server: self.dockline.address,
            clients: 0,
            duration: HANGS,
            requests: Arc::clone(&self.requests),
            interval: Duration::ZERO,
            spread: Duration::ZERO,
            patient: false,
        }
    }
}
