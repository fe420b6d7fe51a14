//! The conformance suites of one App while another App of the same file has the same organizations, installations and states:
//! each call is made for the other App first (I35).

use std::sync::Arc;

use dockline::AppId;
use dockline::ports::{BindingRepo, StateStore};
use dockline_sqlite::{AppDatabase, SqliteApps, SqliteBindingRepo, SqliteStateStore};
use dockline_testkit::two_apps::BesideAnotherApp;

use crate::fixtures::NOON;
use crate::test_database::{TestFile, two_handles};

dockline_testkit::binding_repo_suite!(async {
    beside(|app| Arc::new(SqliteBindingRepo::new(app)) as Arc<dyn BindingRepo>).await
});
dockline_testkit::state_store_suite!(async {
    beside(|app| Arc::new(SqliteStateStore::new(app)) as Arc<dyn StateStore>).await
});

/// The handles of the tested App, each beside the other handle of the other App.
async fn beside<P: ?Sized + Send + Sync>(
    adapter: impl Fn(&AppDatabase) -> Arc<P> + Send,
) -> (TestFile, [BesideAnotherApp<P>; 2]) {
    let (file, handles) = two_handles().await;
    let [first, second] = &handles;
    let add = async |number| {
        let app = AppId::new(number).unwrap();
        SqliteApps::new(first).add("https://ghes.test/api/v3", app, NOON).await.unwrap()
    };
    let (other, tested) = (add(1).await, add(2).await);
    let [other_there, tested_there] = [&other, &tested].map(|app| second.with_app(app.app()));
    let first = BesideAnotherApp::new(adapter(&other_there), adapter(&tested));
    (file, [first, BesideAnotherApp::new(adapter(&other), adapter(&tested_there))])
}
