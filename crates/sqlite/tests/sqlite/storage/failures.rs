//! The suite of failing backends, while another process keeps the file locked. A file that is open cannot be unreachable.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dockline_sqlite::{
    AppNumber, SqliteAdmission, SqliteBindingRepo, SqliteDatabase, SqliteKeyStore, SqliteKeyUsage,
    SqliteOptions, SqliteOutbox, SqliteRateLimiter, SqliteRedeliveryStore, SqliteStateStore,
};
use dockline_testkit::failures::{Affected, Failure, FailureDriver, Stores};
use dockline_testkit::outbox::BOUNDS;
use rusqlite::Connection;

use crate::test_database::TestFile;

const DEADLINE: Duration = Duration::from_secs(1);

/// The actors of all rows become texts that are none, whatever the constraints.
const CORRUPT: &str = "PRAGMA ignore_check_constraints = true; \
    UPDATE install_states SET actor = 'canary-7f3a' || char(10); \
    UPDATE bindings SET actor = 'canary-7f3a' || char(10)";

dockline_testkit::failures_suite!(async {
    let file = TestFile::new();
    let database = options(&file).open().await.unwrap();
    SharedFile { file, database, lock: Mutex::new(None) }
});

fn options(file: &TestFile) -> SqliteOptions {
    SqliteOptions::new(file.path()).with_deadline(DEADLINE)
}

#[derive(Debug)]
struct SharedFile {
    file: TestFile,
    database: SqliteDatabase,
    /// The connection of the other process.
    lock: Mutex<Option<Connection>>,
}

impl SharedFile {
    fn set_lock(&self, lock: Option<Connection>) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = lock;
    }
}

#[async_trait]
impl FailureDriver for SharedFile {
    fn stores(&self) -> Stores {
        let app = self.database.with_app(AppNumber::FIRST);
        Stores {
            states: Some(Arc::new(SqliteStateStore::new(&app))),
            bindings: Some(Arc::new(SqliteBindingRepo::new(&app))),
            keys: Some(Arc::new(SqliteKeyStore::new(&self.database))),
            limiter: Some(Arc::new(SqliteRateLimiter::new(&self.database))),
            outbox: Some(Arc::new(SqliteOutbox::new(&app, BOUNDS))),
            redeliveries: Some(Arc::new(SqliteRedeliveryStore::new(&app))),
        }
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    async fn fail(&self, failure: Failure) -> Affected {
        match failure {
            Failure::Unreachable => Affected::Nothing,
            Failure::Silent => {
                let other = Connection::open(self.file.path()).unwrap();
                other.busy_timeout(Duration::from_secs(30)).unwrap();
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                self.set_lock(Some(other));
                Affected::Writes
            }
        }
    }

    async fn recover(&self) {
        self.set_lock(None);
    }

    async fn corrupt(&self) -> bool {
        let other = Connection::open(self.file.path()).unwrap();
        other.busy_timeout(Duration::from_secs(30)).unwrap();
        other.execute_batch(CORRUPT).unwrap();
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.file.path().display().to_string(), "dockline.sqlite".to_owned()]
    }

    fn shown(&self) -> Vec<String> {
        let (database, app) = (&self.database, self.database.with_app(AppNumber::FIRST));
        vec![
            format!("{:?} {database:?} {app:?}", options(&self.file)),
            format!("{:?} {:?}", SqliteAdmission::new(&app), SqliteKeyUsage::new(database)),
        ]
    }
}
