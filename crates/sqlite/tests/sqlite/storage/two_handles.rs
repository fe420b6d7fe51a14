//! The conformance suites of the ports that take two handles: of one file, opened independently, as by two processes. So
//! nothing may be cached, and concurrent calls meet at the lock of the file.

use dockline_sqlite::{
    AppNumber, SqliteBindingRepo, SqliteDatabase, SqliteRateLimiter, SqliteRedeliveryStore, SqliteStateStore,
};

use crate::test_database::{self, TestFile};

fn first(database: &SqliteDatabase) -> dockline_sqlite::AppDatabase {
    database.with_app(AppNumber::FIRST)
}

async fn handles<P>(adapter: impl Fn(&SqliteDatabase) -> P) -> (TestFile, [P; 2]) {
    let (file, databases) = test_database::two_handles().await;
    (file, databases.each_ref().map(adapter))
}

dockline_testkit::binding_repo_suite!(async {
    handles(|database| SqliteBindingRepo::new(&first(database))).await
});
dockline_testkit::state_store_suite!(async {
    handles(|database| SqliteStateStore::new(&first(database))).await
});
dockline_testkit::rate_limiter_suite!(async { handles(SqliteRateLimiter::new).await });
dockline_testkit::redelivery_store_suite!(async {
    handles(|database| SqliteRedeliveryStore::new(&first(database))).await
});
