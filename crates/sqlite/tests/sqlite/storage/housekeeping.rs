//! The numbers of deleted rows by kind. The suite tests which rows are deleted.

use dockline::ports::{BindingRepo, RateLimitRequest, RateLimiter, StateStore};
use dockline::{BudgetClass, KeyId, Tier};
use dockline_sqlite::{
    AppNumber, Purged, SqliteBindingRepo, SqliteHousekeeping, SqliteRateLimiter, SqliteStateStore,
};
use time::Duration;

use crate::fixtures::{NOON, installation, installer, state};
use crate::test_database;

#[tokio::test]
async fn deleted_rows_are_counted_by_kind() {
    let (_guard, database) = test_database::database().await;
    let app = database.with_app(AppNumber::FIRST);
    let (states, bindings) = (SqliteStateStore::new(&app), SqliteBindingRepo::new(&app));
    for text in ["a", "b", "c"] {
        states.put(state("org_a", text)).await.unwrap();
    }
    bindings.record_installer(installation(1), installer(77), NOON).await.unwrap();
    let key = KeyId::parse("0123456789ABCDEF").unwrap();
    let (class, tier) = (BudgetClass::Read, Tier::standard());
    let request = RateLimitRequest { key: (&key).into(), class, tier, permits: 1, now: NOON };
    SqliteRateLimiter::new(&database).check(request).await.unwrap();
    let housekeeping = SqliteHousekeeping::new(&database);
    let later = NOON + Duration::days(31);
    let purged = housekeeping.purge(later, 2).await.unwrap();
    assert_eq!(purged, Purged { states: 2, installers: 1, buckets: 1, ..Purged::default() });
    assert_eq!(housekeeping.purge(later, 2).await.unwrap(), Purged { states: 1, ..Purged::default() });
    assert_eq!(housekeeping.purge(later, 2).await.unwrap().all(), 0);
}
