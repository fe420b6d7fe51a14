//! The rules of key rotation, which all key stores share.

use time::OffsetDateTime;

use crate::model::{ApiKey, KeyId, KeyRecord, RotationTerms, Unrotatable};

/// Checks whether `fresh` may replace `old` at `now`. `replaced_by` is the key that replaced `old` before.
///
/// # Errors
/// The first reason against it, in the order of [`Unrotatable`].
pub fn check(
    old: Option<&KeyRecord>,
    replaced_by: Option<&KeyId>,
    fresh: &ApiKey,
    now: OffsetDateTime,
) -> Result<(), Unrotatable> {
    let old = old.ok_or(Unrotatable::Unknown)?;
    if old.revoked_at.is_some() {
        return Err(Unrotatable::Revoked);
    }
    if let Some(successor) = replaced_by {
        return Err(Unrotatable::Replaced(successor.clone()));
    }
    if old.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Unrotatable::Expired);
    }
    if old.environment != fresh.environment() {
        return Err(Unrotatable::OtherEnvironment);
    }
    Ok(())
}

/// Returns the record of `fresh`, which replaces `old`.
#[must_use]
pub fn successor(old: &KeyRecord, fresh: &ApiKey, terms: &RotationTerms) -> KeyRecord {
    KeyRecord {
        id: fresh.id().clone(),
        secret_hash: fresh.secret_hash(),
        expires_at: terms.expires_at,
        ..old.clone()
    }
}

/// Returns the new expiry of `old`, which is not later than its current one.
#[must_use]
pub fn end(old: &KeyRecord, terms: &RotationTerms) -> OffsetDateTime {
    old.expires_at.map_or(terms.old_expires_at, |expires_at| expires_at.min(terms.old_expires_at))
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::model::{KeyEnvironment, OrganizationId, OrganizationName, Scope, Tier};
    use crate::ports::SeededEntropy;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn key(environment: KeyEnvironment, seed: u64) -> ApiKey {
        ApiKey::mint(environment, &SeededEntropy::new(seed)).unwrap()
    }

    fn record() -> KeyRecord {
        let key = key(KeyEnvironment::Live, 1);
        KeyRecord {
            id: key.id().clone(),
            environment: key.environment(),
            secret_hash: key.secret_hash(),
            organization: OrganizationId::new("org_1").unwrap(),
            organization_name: OrganizationName::new("One").unwrap(),
            scopes: vec![Scope::GithubAdmin],
            tier: Tier::pilot(),
            return_hosts: vec!["a.example".into()],
            revoked_at: None,
            expires_at: None,
        }
    }

    #[test]
    fn only_a_valid_key_that_was_not_replaced_can_be_rotated() {
        let fresh = key(KeyEnvironment::Live, 2);
        let checked = |old: KeyRecord| check(Some(&old), None, &fresh, NOW);
        assert_eq!(check(None, None, &fresh, NOW), Err(Unrotatable::Unknown));
        assert_eq!(checked(record()), Ok(()));
        for revoked_at in [NOW, NOW + Duration::DAY] {
            let revoked = KeyRecord { revoked_at: Some(revoked_at), ..record() };
            assert_eq!(checked(revoked), Err(Unrotatable::Revoked));
        }
        let expires = |at| KeyRecord { expires_at: Some(at), ..record() };
        assert_eq!(checked(expires(NOW)), Err(Unrotatable::Expired));
        assert_eq!(checked(expires(NOW + Duration::SECOND)), Ok(()));
        let test = key(KeyEnvironment::Test, 3);
        assert_eq!(check(Some(&record()), None, &test, NOW), Err(Unrotatable::OtherEnvironment));
        let replaced = check(Some(&expires(NOW)), Some(fresh.id()), &fresh, NOW);
        assert_eq!(replaced, Err(Unrotatable::Replaced(fresh.id().clone())));
    }

    #[test]
    fn a_successor_differs_in_id_secret_and_expiry_only_and_the_old_key_expires_no_later() {
        let fresh = key(KeyEnvironment::Live, 2);
        let terms =
            RotationTerms { old_expires_at: NOW + Duration::DAY, expires_at: Some(NOW + Duration::WEEK) };
        let expected = KeyRecord {
            id: fresh.id().clone(),
            secret_hash: fresh.secret_hash(),
            expires_at: terms.expires_at,
            ..record()
        };
        let old = |expires_at| KeyRecord { expires_at, ..record() };
        assert_eq!(successor(&old(Some(NOW + Duration::HOUR)), &fresh, &terms), expected);
        assert_eq!(end(&old(None), &terms), NOW + Duration::DAY);
        assert_eq!(end(&old(Some(NOW + Duration::HOUR)), &terms), NOW + Duration::HOUR);
        assert_eq!(end(&old(Some(NOW + Duration::WEEK)), &terms), NOW + Duration::DAY);
    }
}
