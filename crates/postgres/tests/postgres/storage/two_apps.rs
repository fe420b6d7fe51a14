//! The conformance suites of one App while another App of the same schema has the same organizations, installations and
//! states: each call is made for the other App first (I35).

use std::sync::Arc;

use dockline::AppId;
use dockline::ports::{BindingRepo, StateStore};
use dockline_postgres::{AppDatabase, AppNumber, PgApps, PgBindingRepo, PgStateStore};
use dockline_testkit::two_apps::BesideAnotherApp;

use crate::fixtures::NOON;
use crate::test_database;
use crate::test_schema::SchemaGuard;

dockline_testkit::binding_repo_suite!(async {
    beside(|app| Arc::new(PgBindingRepo::new(app)) as Arc<dyn BindingRepo>).await
});
dockline_testkit::state_store_suite!(async {
    beside(|app| Arc::new(PgStateStore::new(app)) as Arc<dyn StateStore>).await
});

async fn beside<P: ?Sized + Send + Sync>(
    adapter: impl Fn(&AppDatabase) -> Arc<P> + Send,
) -> (SchemaGuard, [BesideAnotherApp<P>; 2]) {
    let (guard, databases) = test_database::two_handles().await;
    let [first, _] = &databases;
    PgApps::new(first).add("https://ghes.test/api/v3", AppId::new(2).unwrap(), NOON).await.unwrap();
    let mut handles = Vec::new();
    for database in databases {
        let apps = PgApps::new(&database);
        let second = apps.find("https://ghes.test/api/v3", AppId::new(2).unwrap()).await.unwrap().unwrap();
        let other = adapter(&database.with_app(AppNumber::FIRST));
        handles.push(BesideAnotherApp::new(other, adapter(&second)));
    }
    let [first, second] = <[_; 2]>::try_from(handles).unwrap_or_else(|_| panic!("two handles"));
    (guard, [first, second])
}
