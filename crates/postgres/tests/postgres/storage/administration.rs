//! The suite of counting bindings and of final ends, with two Apps. What one handle writes, the other one reads.

use async_trait::async_trait;
use dockline::ports::BindingRepo;
use dockline::{AppId, BindingCounts, InstallationId, Tombstone, TombstoneReset};
use dockline_postgres::{AppNumber, PgApps, PgBindingCounts, PgBindingRepo, PgTombstones};
use dockline_testkit::operators::OperatorsDriver;
use time::{Duration, OffsetDateTime};

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
        counts: PgBindingCounts::new(&read.with_app(AppNumber::FIRST)),
    };
    (guard, operated)
});

/// The adapters of the tested App, and of the other one.
#[derive(Debug)]
struct Operated {
    bindings: [PgBindingRepo; 2],
    tombstones: [PgTombstones; 2],
    counts: PgBindingCounts,
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
    let counts = PgBindingCounts::new(&database.with_app(AppNumber::FIRST));
    assert_eq!(counts.count(NOON).await.unwrap().due_since, Some(NOON - Duration::HOUR));
}
