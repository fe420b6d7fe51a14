//! Checks API keys.

use crate::model::{ApiKeySecretHash, KeyRecord, Scope};
use crate::ports::{AdmissionAnswer, AdmissionRequest};

/// Returns the record if the presented key is valid: secret, id and environment match, and it is neither revoked nor
/// expired.
///
/// An unknown key takes the same time as a wrong secret: a hash is always compared.
#[must_use]
pub fn authenticate(request: &AdmissionRequest, record: Option<KeyRecord>) -> Option<KeyRecord> {
    const NO_HASH: ApiKeySecretHash = ApiKeySecretHash::from_bytes([0; 32]);
    let expected = record.as_ref().map_or(NO_HASH, |record| record.secret_hash);
    let secret_matches = request.secret_hash.matches(&expected);
    let record = record?;
    let usable = secret_matches
        && record.id == request.key
        && record.environment == request.environment
        && record.revoked_at.is_none_or(|revoked_at| request.now < revoked_at)
        && record.expires_at.is_none_or(|expires_at| request.now < expires_at);
    usable.then_some(record)
}

/// Returns whether the key has the needed scope; `true` if the request needs none.
#[must_use]
pub fn has_scope(record: &KeyRecord, needed: Option<&Scope>) -> bool {
    needed.is_none_or(|needed| record.scopes.iter().any(|held| held.covers(needed)))
}

/// Returns whether every part of the answer is about the request's key and secret, and about the key's organization.
#[must_use]
pub fn is_about(answer: &AdmissionAnswer, request: &AdmissionRequest) -> bool {
    let organization = answer.record.as_ref().map(|record| &record.organization);
    answer.key == request.key
        && answer.secret_hash.matches(&request.secret_hash)
        && answer.record.as_ref().is_none_or(|record| record.id == request.key)
        && answer.binding.as_ref().is_none_or(|read| {
            organization == Some(&read.organization)
                && read.binding.as_ref().is_none_or(|bound| bound.organization == read.organization)
        })
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::model::{ApiKey, BudgetClass, KeyEnvironment, OrganizationId, OrganizationName, Tier};
    use crate::ports::{ReadBinding, SeededEntropy};

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn request_and_record(seed: u64) -> (AdmissionRequest, KeyRecord) {
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
        let request = AdmissionRequest {
            key: key.id().clone(),
            secret_hash: key.secret_hash(),
            environment: key.environment(),
            needed: None,
            class: BudgetClass::Read,
            charge: true,
            now: NOW,
        };
        (request, record)
    }

    #[test]
    fn a_valid_key_returns_its_record() {
        let (request, record) = request_and_record(1);
        assert_eq!(authenticate(&request, Some(record.clone())), Some(record));
    }

    #[test]
    fn unknown_revoked_and_expired_keys_and_wrong_secrets_environments_and_rows_are_rejected_i_11() {
        let (key, record) = request_and_record(1);
        let (other, _) = request_and_record(2);
        assert_eq!(authenticate(&key, None), None);
        let wrong_secret = KeyRecord { secret_hash: other.secret_hash, ..record.clone() };
        assert_eq!(authenticate(&key, Some(wrong_secret)), None);
        let wrong_environment = KeyRecord { environment: KeyEnvironment::Test, ..record.clone() };
        assert_eq!(authenticate(&key, Some(wrong_environment)), None);
        let wrong_row = KeyRecord { id: other.key, ..record.clone() };
        assert_eq!(authenticate(&key, Some(wrong_row)), None);
        let revoked = KeyRecord { revoked_at: Some(NOW), ..record.clone() };
        assert_eq!(authenticate(&key, Some(revoked)), None);
        let revoked_later = KeyRecord { revoked_at: Some(NOW + Duration::SECOND), ..record.clone() };
        assert!(authenticate(&key, Some(revoked_later)).is_some());
        let expired = KeyRecord { expires_at: Some(NOW), ..record.clone() };
        assert_eq!(authenticate(&key, Some(expired)), None);
        let expires_later = KeyRecord { expires_at: Some(NOW + Duration::SECOND), ..record };
        assert!(authenticate(&key, Some(expires_later)).is_some());
    }

    /// I39: each part that could be another's is compared.
    #[test]
    fn an_answer_about_another_key_secret_or_organization_is_noticed_i_39() {
        let (request, record) = request_and_record(1);
        let (other, other_record) = request_and_record(2);
        let organization = record.organization.clone();
        let right = AdmissionAnswer {
            key: request.key.clone(),
            secret_hash: request.secret_hash,
            record: Some(record),
            decision: None,
            binding: Some(ReadBinding { organization, binding: None }),
        };
        assert!(is_about(&right, &request));
        assert!(is_about(&AdmissionAnswer { record: None, binding: None, ..right.clone() }, &request));
        let elsewhere = ReadBinding { organization: OrganizationId::new("org_2").unwrap(), binding: None };
        for wrong in [
            AdmissionAnswer { key: other.key.clone(), ..right.clone() },
            AdmissionAnswer { secret_hash: other.secret_hash, ..right.clone() },
            AdmissionAnswer { record: Some(other_record), ..right.clone() },
            AdmissionAnswer { binding: Some(elsewhere), ..right.clone() },
            AdmissionAnswer { record: None, ..right },
        ] {
            assert!(!is_about(&wrong, &request), "{wrong:?}");
        }
    }
}
