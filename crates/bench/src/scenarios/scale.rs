//! G7: the cost of a re-post with few and with many bindings, in schemas of their own.

use std::path::Path;
use std::sync::Arc;

use super::bench::{BINDINGS, Bench, REGISTERED, registrations, tables};
use super::{program, title};
use crate::Result;
use crate::data::load_bound;
use crate::load::{Order, Requests};
use crate::measure::{Series, in_rounds};

const SMALL: &str = "dockline_small";
const LARGE: &str = "dockline_large";

/// Tenants that send requests, spread over all, so that their rows lie on many pages.
const MOST_ACTIVE: u64 = 20_000;

pub(super) fn measure(bench: &Bench<'_>, binary: &Path) -> Result<Vec<Series>> {
    let many = bench.options.bindings();
    let mut servers = Vec::new();
    for (schema, bindings) in [(SMALL, BINDINGS), (LARGE, many)] {
        bench.drop_schema(schema)?;
        let (server, _) = bench.dockline(binary, schema)?;
        eprintln!("loading {bindings} bindings …");
        load_bound(&bench.database, &tables(schema), bindings)?;
        bench.warm_up(&[&server], registrations(active(bindings, MOST_ACTIVE))?, REGISTERED)?;
        servers.push(server);
    }
    let [few, large] = servers.as_slice() else { return Err("there are two schemas".into()) };
    let requests = |bindings, most| {
        Ok::<_, crate::Error>(Arc::new(Requests::new(registrations(active(bindings, most))?, Order::Again)))
    };
    let runs = [
        (program::DOCKLINE, few, requests(BINDINGS, BINDINGS)?),
        (program::MANY, large, requests(many, MOST_ACTIVE)?),
        // Tells the cost of many rows from that of many tenants that send requests.
        (program::FEW_OF_MANY, large, requests(many, BINDINGS)?),
    ];
    let names: Vec<_> = runs.iter().map(|(program, ..)| (title::SCALE, *program)).collect();
    let series = in_rounds(&names, bench.options.rounds(), |index| {
        let (_, server, requests) = runs.get(index).ok_or("there are three programs")?;
        bench.sample(&[server], &bench.load(&[server], requests, REGISTERED))
    })?;
    drop(servers);
    bench.drop_schema(LARGE)?;
    Ok(series)
}

/// Returns the tenants that send requests, at most `most`, in an order that does not follow that of the rows.
fn active(bindings: u64, most: u64) -> impl Iterator<Item = u64> {
    let number = bindings.min(most);
    let stride = bindings / number;
    // A prime that divides no number of tenants in use, so that every index occurs once.
    (0..number).map(move |index| (index * 7_919 % number) * stride)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn active_tenants_are_different_and_spread_over_all() {
        for (bindings, number) in [(1_000, 1_000), (50_000, 20_000), (10_000_000, 20_000)] {
            let tenants: BTreeSet<u64> = active(bindings, MOST_ACTIVE).collect();
            assert_eq!(tenants.len(), number);
            assert!(tenants.last().is_some_and(|&last| last < bindings && last > bindings / 3));
        }
    }
}
