//! Keys beyond the port: adding, listing, revoking and rotating them, by two handles in turns.

use async_trait::async_trait;
use dockline::ports::{KeyStore, KeyUsage};
use dockline::{ApiKey, KeyId, KeyRecord, OrganizationId, Rotation, RotationTerms};
use dockline_postgres::{KeyEntry, PgKeyStore, PgKeyUsage};
use dockline_testkit::key_admin::{KeyAdminDriver, KeyRow};
use time::OffsetDateTime;

use crate::test_database;

dockline_testkit::key_admin_suite!(async {
    let (guard, [first, second]) = test_database::two_handles().await;
    let (written, read) = (PgKeyStore::new(&first), PgKeyStore::new(&second));
    (guard, Keys { written, read, usage: PgKeyUsage::new(&first) })
});

#[derive(Debug)]
struct Keys {
    written: PgKeyStore,
    read: PgKeyStore,
    usage: PgKeyUsage,
}

fn key_row(entry: KeyEntry) -> KeyRow {
    let KeyEntry { record, name, created_at, last_used_at, replaced_by, rotated_from } = entry;
    KeyRow { record, name, created_at, last_used_at, replaced_by, rotated_from }
}

#[async_trait]
impl KeyAdminDriver for Keys {
    fn keys(&self) -> &dyn KeyStore {
        &self.read
    }

    async fn insert(&self, record: &KeyRecord, name: &str, created_at: OffsetDateTime) -> bool {
        self.written.insert(record, name, created_at).await.unwrap()
    }

    async fn list(&self, organization: Option<&OrganizationId>) -> Vec<KeyRow> {
        self.read.list(organization).await.unwrap().into_iter().map(key_row).collect()
    }

    async fn entry(&self, id: &KeyId) -> Option<KeyRow> {
        self.read.entry(id).await.unwrap().map(key_row)
    }

    async fn rotate(
        &self,
        id: &KeyId,
        fresh: &ApiKey,
        terms: &RotationTerms,
        now: OffsetDateTime,
    ) -> Rotation {
        self.written.rotate(id, fresh, terms, now).await.unwrap()
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> bool {
        self.read.revoke(id, at).await.unwrap()
    }

    async fn used(&self, id: &KeyId, at: OffsetDateTime) {
        self.usage.used(id, at);
        self.usage.write().await.unwrap();
    }
}
