//! The suite of counting bindings and of final ends, with two Apps. What one handle writes, the other one reads.

use dockline::AppId;
use dockline::ports::{BindingCounter, BindingRepo, Tombstones};
use dockline_postgres::{AppNumber, PgApps, PgBindingCounter, PgBindingRepo, PgTombstones};
use dockline_testkit::operators::OperatorsDriver;
use time::Duration;

use crate::fixtures::NOON;
use crate::test_database;
use crate::test_schema::session_in;

dockline_testkit::operators_suite!(async {
    let (guard, [written, read]) = test_database::two_handles().await;
    let other = AppId::new(2).unwrap();
    let other = PgApps::new(&written).add("https://ghes.test/api/v3", other, NOON).await.unwrap().app();
    let apps = [AppNumber::FIRST, other];
    let operated = Operated {
        bindings: apps.map(|app| PgBindingRepo::new(&written.with_app(app))),
        tombstones: apps.map(|app| PgTombstones::new(&read.with_app(app))),
        counter: PgBindingCounter::new(&read.with_app(AppNumber::FIRST)),
    };
    (guard, operated)
});

/// The adapters of the tested App, and of the other one.
#[derive(Debug)]
struct Operated {
    bindings: [PgBindingRepo; 2],
    tombstones: [PgTombstones; 2],
    counter: PgBindingCounter,
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

/// A row of an earlier version, whose next look has the column's default, counts as due since its last look.
#[tokio::test]
async fn binding_without_a_next_look_is_due_since_its_last_look() {
    let (_guard, database) = test_database::database().await;
    let session = session_in(database.schema()).await;
    session
        .batch_execute(
            "INSERT INTO installations (installation_id, organization, account_id, account_login, account_kind, status, \
             verified_at, generation) VALUES (9, 'org_9', 9, 'account', 'User', 'active', '2026-06-01 11:00Z', 1)",
        )
        .await
        .unwrap();
    let counts = PgBindingCounter::new(&database.with_app(AppNumber::FIRST));
    assert_eq!(counts.count(NOON).await.unwrap().due_since, Some(NOON - Duration::HOUR));
}
