//! The suite of failing backends, through a proxy whose network fails.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dockline_postgres::tokio_postgres::Config;
use dockline_postgres::{
    AppNumber, Database, PgAdmission, PgBindingRepo, PgHousekeeping, PgKeyStore, PgKeyUsage, PgOutbox,
    PgRateLimiter, PgRedeliveryStore, PgStateStore,
};
use dockline_testkit::failures::{Affected, Failure, FailureDriver, Stores};
use dockline_testkit::outbox::BOUNDS;

use crate::proxy::{Network, Proxy};
use crate::test_database;
use crate::test_schema::{SchemaGuard, session_in, url};

const DEADLINE: Duration = Duration::from_secs(2);

/// The actors of all rows become texts that are none, whatever the constraints.
const CORRUPT: &str = "DO $$ DECLARE one record; BEGIN \
    FOR one IN SELECT conrelid::regclass AS place, conname FROM pg_constraint WHERE contype = 'c' \
     AND conrelid IN ('install_states'::regclass, 'bindings'::regclass) LOOP \
     EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.place, one.conname); END LOOP; END $$; \
    UPDATE install_states SET actor = E'canary-7f3a\\n'; UPDATE bindings SET actor = E'canary-7f3a\\n'";

dockline_testkit::failures_suite!(async { behind_a_proxy().await });

#[derive(Debug)]
struct Behind {
    proxy: Proxy,
    direct: Database,
    database: Database,
    password: String,
}

async fn behind_a_proxy() -> (SchemaGuard, Behind) {
    let (guard, direct) = test_database::database_of(4).await;
    let (proxy, database) = Proxy::to(&direct, 8).await;
    let config: Config = url().parse().unwrap();
    let password = String::from_utf8(config.get_password().unwrap().to_vec()).unwrap();
    (guard, Behind { proxy, direct, database: database.with_deadline(DEADLINE), password })
}

#[async_trait]
impl FailureDriver for Behind {
    fn stores(&self) -> Stores {
        let app = self.database.with_app(AppNumber::FIRST);
        Stores {
            states: Some(Arc::new(PgStateStore::new(&app))),
            bindings: Some(Arc::new(PgBindingRepo::new(&app))),
            keys: Some(Arc::new(PgKeyStore::new(&self.database))),
            limiter: Some(Arc::new(PgRateLimiter::new(&self.database))),
            outbox: Some(Arc::new(PgOutbox::new(&app, BOUNDS))),
            redeliveries: Some(Arc::new(PgRedeliveryStore::new(&app))),
        }
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    async fn fail(&self, failure: Failure) -> Affected {
        self.proxy.set(match failure {
            Failure::Unreachable => Network::Down,
            Failure::Silent => Network::Silent,
        });
        Affected::All
    }

    async fn recover(&self) {
        self.proxy.set(Network::Up);
    }

    async fn corrupt(&self) -> bool {
        session_in(self.direct.schema()).await.batch_execute(CORRUPT).await.unwrap();
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![format!(":{}@", self.password), self.password.clone()]
    }

    fn shown(&self) -> Vec<String> {
        let (database, app) = (&self.database, self.database.with_app(AppNumber::FIRST));
        vec![
            format!("{database:?} {app:?}"),
            format!("{:?} {:?}", PgAdmission::new(&app), PgHousekeeping::new(database)),
            format!("{:?}", PgKeyUsage::new(database)),
        ]
    }
}
