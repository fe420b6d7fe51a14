//! The suite of counting bindings and of final ends, with two Apps. What one handle writes, the other one reads.

use dockline::AppId;
use dockline::ports::{BindingCounter, BindingRepo, Tombstones};
use dockline_sqlite::{AppNumber, SqliteApps, SqliteBindingCounter, SqliteBindingRepo, SqliteTombstones};
use dockline_testkit::operators::OperatorsDriver;

use crate::fixtures::NOON;
use crate::test_database::two_handles;

dockline_testkit::operators_suite!(async {
    let (file, [written, read]) = two_handles().await;
    let other = AppId::new(2).unwrap();
    let other = SqliteApps::new(&written).add("https://ghes.test/api/v3", other, NOON).await.unwrap().app();
    let apps = [AppNumber::FIRST, other];
    let operated = Operated {
        bindings: apps.map(|app| SqliteBindingRepo::new(&written.with_app(app))),
        tombstones: apps.map(|app| SqliteTombstones::new(&read.with_app(app))),
        counter: SqliteBindingCounter::new(&read.with_app(AppNumber::FIRST)),
    };
    (file, operated)
});

/// The adapters of the tested App, and of the other one.
#[derive(Debug)]
struct Operated {
    bindings: [SqliteBindingRepo; 2],
    tombstones: [SqliteTombstones; 2],
    counter: SqliteBindingCounter,
}

impl OperatorsDriver for Operated {
    fn bindings(&self) -> &dyn BindingRepo {
        &self.bindings[0]
    }

    fn counter(&self) -> &dyn BindingCounter {
        &self.counter
    }

    fn tombstones(&self) -> &dyn Tombstones {
        &self.tombstones[0]
    }

    fn bindings_of_other_app(&self) -> &dyn BindingRepo {
        &self.bindings[1]
    }

    fn tombstones_of_other_app(&self) -> &dyn Tombstones {
        &self.tombstones[1]
    }
}
