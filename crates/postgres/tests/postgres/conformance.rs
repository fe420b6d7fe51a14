//! Every storage port's suite.

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord};
use dockline_postgres::{PgBindingRepo, PgKeyStore, PgRateLimiter, PgStateStore, StatementMode};
use dockline_testkit::key_store::KeyStoreDriver;
use time::OffsetDateTime;

use crate::fresh;

dockline_testkit::binding_repo_suite!(async {
    let (guard, database) = crate::fresh::database().await;
    (guard, PgBindingRepo::new(&database))
});
dockline_testkit::state_store_suite!(async {
    let (guard, database) = crate::fresh::database().await;
    (guard, PgStateStore::new(&database))
});
dockline_testkit::rate_limiter_suite!(async {
    let (guard, database) = crate::fresh::database().await;
    (guard, PgRateLimiter::new(&database))
});
dockline_testkit::key_store_suite!(async { keys().await });

/// Once more as it is sent behind a pooler.
mod unnamed {
    use super::{PgBindingRepo, PgRateLimiter, PgStateStore, StatementMode};

    dockline_testkit::binding_repo_suite!(async {
        let (guard, database) = crate::fresh::database().await;
        (guard, PgBindingRepo::new(&database.with_statement_mode(StatementMode::Unnamed)))
    });
    dockline_testkit::state_store_suite!(async {
        let (guard, database) = crate::fresh::database().await;
        (guard, PgStateStore::new(&database.with_statement_mode(StatementMode::Unnamed)))
    });
    dockline_testkit::rate_limiter_suite!(async {
        let (guard, database) = crate::fresh::database().await;
        (guard, PgRateLimiter::new(&database.with_statement_mode(StatementMode::Unnamed)))
    });
}

async fn keys() -> (fresh::Fresh, Keys) {
    let (guard, database) = fresh::database().await;
    (guard, Keys(PgKeyStore::new(&database)))
}

#[derive(Debug)]
struct Keys(PgKeyStore);

#[async_trait]
impl KeyStoreDriver for Keys {
    fn keys(&self) -> &dyn KeyStore {
        &self.0
    }

    async fn insert(&self, record: KeyRecord) {
        assert!(self.0.insert(&record, "", OffsetDateTime::UNIX_EPOCH).await.unwrap());
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        assert!(self.0.revoke(id, at).await.unwrap());
    }
}
