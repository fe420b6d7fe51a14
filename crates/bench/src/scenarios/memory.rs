//! G3: the cost of the HTTP layer and the core, without a database.

use std::sync::Arc;

use super::bench::{Bench, REGISTERED, registrations};
use super::{program, title};
use crate::Result;
use crate::load::{Order, Requests, get};
use crate::measure::{Series, in_rounds};
use crate::servers::memory::{STATIC_ROUTE, TENANTS, start};

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Series>> {
    let server = start(&bench.folder)?;
    bench.warm_up(&[&server], registrations(0..TENANTS)?, REGISTERED)?;
    let reposts = Arc::new(Requests::new(registrations(0..TENANTS)?, Order::Again));
    let fixed = Arc::new(Requests::new(vec![get(STATIC_ROUTE, None)], Order::Again));
    let programs = [(title::MEMORY, program::DOCKLINE), (title::MEMORY, program::STATIC)];
    in_rounds(&programs, bench.options.rounds(), |index| {
        let (requests, status) = if index == 0 { (&reposts, REGISTERED) } else { (&fixed, 200) };
        bench.sample(&[&server], &bench.load(&[&server], requests, status))
    })
}
