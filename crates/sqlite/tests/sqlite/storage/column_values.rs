//! The precision and range of columns.

use dockline::ports::{BindingRepo, InsertOutcome, StateStore};
use dockline::{AccountId, InstallationId};
use dockline_sqlite::{AppNumber, SqliteBindingRepo, SqliteStateStore};
use time::{Duration, UtcOffset};

use crate::fixtures::{NOON, binding, organization, state};
use crate::test_database;

#[tokio::test]
async fn times_are_truncated_to_microseconds_before_and_after_2000() {
    let (_guard, database) = test_database::database().await;
    let bindings = SqliteBindingRepo::new(&database.with_app(AppNumber::FIRST));
    for (owner, number, year) in [("org_new", 1, 2026), ("org_old", 2, 1999), ("org_older", 3, 1901)] {
        let whole = NOON.replace_year(year).unwrap() + Duration::microseconds(123_456);
        let mut new = binding(owner, number, "state");
        new.registered_at =
            (whole + Duration::nanoseconds(999)).to_offset(UtcOffset::from_hms(5, 30, 0).unwrap());
        new.last_verified_at = new.registered_at;
        let InsertOutcome::Inserted(stored) = bindings.insert(new).await.unwrap() else { panic!("refused") };
        assert_eq!((stored.registered_at, stored.last_verified_at), (whole, whole));
        assert!(stored.registered_at.offset().is_utc());
        assert_eq!(bindings.find(&organization(owner)).await.unwrap(), Some(stored));
    }
    let states = SqliteStateStore::new(&database.with_app(AppNumber::FIRST));
    let mut issued = state("org_new", "text");
    issued.expires_at += Duration::nanoseconds(1_999);
    states.put(issued.clone()).await.unwrap();
    let found = states.find_by_digest(&issued.digest).await.unwrap().unwrap();
    assert_eq!(found.expires_at, issued.expires_at.truncate_to_microsecond());
}

/// L-63
#[tokio::test]
async fn ids_up_to_the_maximum_are_stored() {
    let (_guard, database) = test_database::database().await;
    let bindings = SqliteBindingRepo::new(&database.with_app(AppNumber::FIRST));
    for (owner, number) in [("org_a", 3_000_000_000), ("org_b", InstallationId::MAX)] {
        let mut new = binding(owner, number, "state");
        new.proven_by = Some(AccountId::new(number).unwrap());
        let InsertOutcome::Inserted(stored) = bindings.insert(new.clone()).await.unwrap() else {
            panic!("refused")
        };
        assert_eq!(stored.installation, new.installation);
        assert_eq!(stored.proven_by, new.proven_by);
        assert_eq!(bindings.find(&new.organization).await.unwrap(), Some(stored));
    }
}
