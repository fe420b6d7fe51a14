//! Checks API keys.

use time::OffsetDateTime;

use crate::model::{ApiKey, ApiKeySecretHash, KeyRecord};

/// Returns the record if the presented key is valid: secret, id and environment match, and it is neither revoked nor
/// expired.
///
/// An unknown key takes the same time as a wrong secret: the hash is always computed and compared.
#[must_use]
pub fn authenticate(presented: &ApiKey, record: Option<KeyRecord>, now: OffsetDateTime) -> Option<KeyRecord> {
    const NO_HASH: ApiKeySecretHash = ApiKeySecretHash::from_bytes([0; 32]);
    let expected = record.as_ref().map_or(NO_HASH, |record| record.secret_hash);
    let secret_matches = presented.secret_hash().matches(&expected);
    let record = record?;
    let usable = secret_matches
        && record.id == *presented.id()
        && record.environment == presented.environment()
        && record.revoked_at.is_none_or(|revoked_at| now < revoked_at)
        && record.expires_at.is_none_or(|expires_at| now < expires_at);
    usable.then_some(record)
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::model::{KeyEnvironment, OrganizationId, OrganizationName, Scope, Tier};
    use crate::ports::SeededEntropy;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn key_and_record(seed: u64) -> (ApiKey, KeyRecord) {
        let key = ApiKey::mint(KeyEnvironment::Live, &SeededEntropy::new(seed)).unwrap();
        let record = KeyRecord {
            id: key.id().clone(),
            environment: KeyEnvironment::Live,
            secret_hash: key.secret_hash(),
            organization: OrganizationId::new("org_1").unwrap(),
            organization_name: OrganizationName::new("One").unwrap(),
            scopes: vec![Scope::GithubAdmin],
            tier: Tier::standard(),
            return_hosts: vec![],
            revoked_at: None,
            expires_at: None,
        };
        (key, record)
    }

    #[test]
    fn a_valid_key_returns_its_record() {
        let (key, record) = key_and_record(1);
        assert_eq!(authenticate(&key, Some(record.clone()), NOW), Some(record));
    }

    #[test]
    fn unknown_revoked_and_expired_keys_and_wrong_secrets_environments_and_rows_are_rejected_i_11() {
        let (key, record) = key_and_record(1);
        let (other, _) = key_and_record(2);
        assert_eq!(authenticate(&key, None, NOW), None);
        let wrong_secret = KeyRecord { secret_hash: other.secret_hash(), ..record.clone() };
        assert_eq!(authenticate(&key, Some(wrong_secret), NOW), None);
        let wrong_environment = KeyRecord { environment: KeyEnvironment::Test, ..record.clone() };
        assert_eq!(authenticate(&key, Some(wrong_environment), NOW), None);
        let wrong_row = KeyRecord { id: other.id().clone(), ..record.clone() };
        assert_eq!(authenticate(&key, Some(wrong_row), NOW), None);
        let revoked = KeyRecord { revoked_at: Some(NOW), ..record.clone() };
        assert_eq!(authenticate(&key, Some(revoked), NOW), None);
        let revoked_later = KeyRecord { revoked_at: Some(NOW + Duration::SECOND), ..record.clone() };
        assert!(authenticate(&key, Some(revoked_later), NOW).is_some());
        let expired = KeyRecord { expires_at: Some(NOW), ..record.clone() };
        assert_eq!(authenticate(&key, Some(expired), NOW), None);
        let expires_later = KeyRecord { expires_at: Some(NOW + Duration::SECOND), ..record };
        assert!(authenticate(&key, Some(expires_later), NOW).is_some());
    }
}
