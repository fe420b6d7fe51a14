//! Wrong administrations of keys.

use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{KeyAdmin, KeyStore, KeyUsage};
use dockline::{
    ApiKey, KeyEntry, KeyId, KeyRecord, OrganizationId, PortError, Rotation, RotationTerms, Unrotatable,
};
use dockline_memory::MemoryKeyStore;
use dockline_testkit::key_admin::{KeyAdminDriver, cases};
use time::OffsetDateTime;

use crate::{killed, without_offset, yield_to_others};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    Overwrites,
    ListsAll,
    ListsNewestFirst,
    ListsValidKeysOnly,
    ComparesWithoutCase,
    LatestRevocationApplies,
    DropsOffsets,
    RevokesUnknownKeys,
    ExtendsTheOldKey,
    RotatesWithoutLock,
    RotatesRevokedKeys,
    StoresBeforeItChecks,
    ForgetsThePredecessor,
    CopiesTheUse,
}

/// The memory store with one defect.
#[derive(Debug)]
struct Store(MemoryKeyStore, Defect, Mutex<Vec<KeyId>>);

impl Store {
    fn with(defect: Defect) -> Self {
        Self(MemoryKeyStore::new(), defect, Mutex::default())
    }

    async fn rotated(&self, id: &KeyId, fresh: &ApiKey, terms: &RotationTerms) -> Option<Rotation> {
        let old = self.0.find(id).await.unwrap()?;
        let record = KeyRecord {
            id: fresh.id().clone(),
            secret_hash: fresh.secret_hash(),
            expires_at: terms.expires_at,
            ..old
        };
        self.0.put(record.clone());
        let old_expires_at = terms.old_expires_at;
        Some(Rotation::Rotated { fresh: Box::new(record), old_expires_at })
    }
}

#[async_trait]
impl KeyAdmin for Store {
    async fn insert(
        &self,
        record: &KeyRecord,
        name: &str,
        created_at: OffsetDateTime,
    ) -> Result<bool, PortError> {
        if self.1 == Defect::Overwrites {
            self.0.put(record.clone());
        }
        self.0.insert(record, name, created_at).await
    }

    async fn list(&self, organization: Option<OrganizationId>) -> Result<Vec<KeyEntry>, PortError> {
        let wanted = organization.clone().filter(|_| self.1 != Defect::ListsAll);
        let mut entries = match self.1 {
            Defect::ComparesWithoutCase => self.0.list(None).await?,
            _ => self.0.list(wanted).await?,
        };
        match (self.1, organization) {
            (Defect::ComparesWithoutCase, Some(wanted)) => entries
                .retain(|entry| entry.record.organization.as_str().eq_ignore_ascii_case(wanted.as_str())),
            (Defect::ListsNewestFirst, _) => entries.reverse(),
            (Defect::ListsValidKeysOnly, _) => entries.retain(|entry| entry.record.revoked_at.is_none()),
            (Defect::ForgetsThePredecessor, _) => {
                for entry in &mut entries {
                    entry.rotated_from = None;
                }
            }
            _ => {}
        }
        Ok(entries)
    }

    async fn entry(&self, id: &KeyId) -> Result<Option<KeyEntry>, PortError> {
        self.0.entry(id).await
    }

    async fn rotate(
        &self,
        id: &KeyId,
        fresh: &ApiKey,
        terms: &RotationTerms,
        now: OffsetDateTime,
    ) -> Result<Rotation, PortError> {
        let unknown = Rotation::Refused(Unrotatable::Unknown);
        match self.1 {
            Defect::StoresBeforeItChecks => {
                self.rotated(id, fresh, terms).await;
                self.0.rotate(id, fresh, terms, now).await
            }
            Defect::ExtendsTheOldKey => {
                let rotated = self.0.rotate(id, fresh, terms, now).await?;
                if let (Rotation::Rotated { .. }, Some(old)) = (&rotated, self.0.find(id).await?) {
                    self.0.put(KeyRecord { expires_at: Some(terms.old_expires_at), ..old });
                }
                Ok(rotated)
            }
            Defect::RotatesRevokedKeys => {
                let revoked = self.0.find(id).await?.is_some_and(|old| old.revoked_at.is_some());
                match revoked {
                    true => Ok(self.rotated(id, fresh, terms).await.unwrap_or(unknown)),
                    false => self.0.rotate(id, fresh, terms, now).await,
                }
            }
            Defect::RotatesWithoutLock => {
                if self.2.lock().unwrap().contains(id) {
                    return self.0.rotate(id, fresh, terms, now).await;
                }
                yield_to_others().await;
                self.2.lock().unwrap().push(id.clone());
                match self.0.rotate(id, fresh, terms, now).await? {
                    Rotation::Refused(_) => Ok(self.rotated(id, fresh, terms).await.unwrap_or(unknown)),
                    rotated => Ok(rotated),
                }
            }
            Defect::CopiesTheUse => {
                let used = self.0.entry(id).await?.and_then(|entry| entry.last_used_at);
                if let Some(used) = used {
                    self.0.usage().used(fresh.id(), used);
                }
                self.0.rotate(id, fresh, terms, now).await
            }
            _ => self.0.rotate(id, fresh, terms, now).await,
        }
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> Result<bool, PortError> {
        match (self.1, self.0.find(id).await?) {
            (Defect::LatestRevocationApplies, Some(record)) => {
                self.0.put(KeyRecord { revoked_at: Some(at), ..record });
                Ok(true)
            }
            (Defect::DropsOffsets, _) => self.0.revoke(id, without_offset(at)).await,
            (Defect::RevokesUnknownKeys, _) => self.0.revoke(id, at).await.map(|_| true),
            _ => self.0.revoke(id, at).await,
        }
    }
}

#[async_trait]
impl KeyAdminDriver for Store {
    fn admin(&self) -> &dyn KeyAdmin {
        self
    }

    fn other_node(&self) -> &dyn KeyAdmin {
        self
    }

    fn keys(&self) -> &dyn KeyStore {
        &self.0
    }

    async fn used(&self, id: &KeyId, at: OffsetDateTime) {
        self.0.usage().used(id, at);
    }
}

killed! {
    KeyAdminDriver;
    overwrites: Store::with(Defect::Overwrites) => cases::added_key_is_found_and_never_overwritten;
    lists_all: Store::with(Defect::ListsAll) =>
        cases::keys_are_listed_by_organization_oldest_first_including_revoked_ones;
    lists_newest_first: Store::with(Defect::ListsNewestFirst) =>
        cases::keys_are_listed_by_organization_oldest_first_including_revoked_ones;
    lists_valid_keys_only: Store::with(Defect::ListsValidKeysOnly) =>
        cases::keys_are_listed_by_organization_oldest_first_including_revoked_ones;
    compares_without_case: Store::with(Defect::ComparesWithoutCase) =>
        cases::case_of_letters_distinguishes_organizations;
    latest_revocation_applies: Store::with(Defect::LatestRevocationApplies) =>
        cases::earliest_revocation_applies;
    drops_offsets: Store::with(Defect::DropsOffsets) => cases::earliest_revocation_applies;
    revokes_unknown_keys: Store::with(Defect::RevokesUnknownKeys) => cases::unknown_key_cannot_be_revoked;
    extends_the_old_key: Store::with(Defect::ExtendsTheOldKey) =>
        cases::old_key_expires_after_the_grace_period_or_earlier_if_it_already_did;
    rotates_without_lock: Store::with(Defect::RotatesWithoutLock) =>
        cases::one_of_several_concurrent_rotations_succeeds;
    rotates_revoked_keys: Store::with(Defect::RotatesRevokedKeys) => cases::refused_rotation_changes_nothing;
    stores_before_it_checks: Store::with(Defect::StoresBeforeItChecks) =>
        cases::refused_rotation_changes_nothing;
    forgets_the_predecessor: Store::with(Defect::ForgetsThePredecessor) =>
        cases::rotation_copies_the_key_and_limits_the_old_one_to_the_grace_period;
    copies_the_use: Store::with(Defect::CopiesTheUse) =>
        cases::rotation_copies_the_key_and_limits_the_old_one_to_the_grace_period;
}
