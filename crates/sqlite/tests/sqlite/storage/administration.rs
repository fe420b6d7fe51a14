//! The suite of counting bindings and of final ends, with two Apps. What one handle writes, the other one reads.

use async_trait::async_trait;
use dockline::ports::BindingRepo;
use dockline::{AppId, BindingCounts, InstallationId, Tombstone, TombstoneReset};
use dockline_sqlite::{AppNumber, SqliteApps, SqliteBindingCounts, SqliteBindingRepo, SqliteTombstones};
use dockline_testkit::operators::OperatorsDriver;
use time::OffsetDateTime;

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
        counts: SqliteBindingCounts::new(&read.with_app(AppNumber::FIRST)),
    };
    (file, operated)
});

/// The adapters of the tested App, and of the other one.
#[derive(Debug)]
struct Operated {
    bindings: [SqliteBindingRepo; 2],
    tombstones: [SqliteTombstones; 2],
    counts: SqliteBindingCounts,
}

#[async_trait]
impl OperatorsDriver for Operated {
    fn bindings(&self) -> &dyn BindingRepo {
        &self.bindings[0]
    }

    async fn counts(&self, now: OffsetDateTime) -> BindingCounts {
        self.counts.count(now).await.unwrap()
    }

    async fn tombstone(&self, installation: InstallationId) -> Option<Tombstone> {
        self.tombstones[0].find(installation).await.unwrap()
    }

    async fn reset(
        &self,
        installation: InstallationId,
        note: &str,
        now: OffsetDateTime,
    ) -> Option<TombstoneReset> {
        self.tombstones[0].reset(installation, note, now).await.unwrap()
    }

    async fn resets(&self) -> Vec<TombstoneReset> {
        self.tombstones[0].resets().await.unwrap()
    }

    fn bindings_of_other_app(&self) -> &dyn BindingRepo {
        &self.bindings[1]
    }

    async fn resets_of_other_app(&self) -> Vec<TombstoneReset> {
        self.tombstones[1].resets().await.unwrap()
    }
}
