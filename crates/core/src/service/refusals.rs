//! Remembers refused requests for a moment, so that a key over its budget does not reach the budget's store each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use crate::model::{ApiKeySecretHash, Budget, BudgetClass, KeyId, OrganizationId, Tier};

/// How long a refusal is remembered at most.
const LIFETIME: Duration = Duration::from_secs(1);

/// The capacity, in keys and classes. Only valid keys are remembered.
const MOST: usize = 10_000;

/// A request that was refused because the budget was used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The organization of the key.
    pub(super) organization: OrganizationId,
    /// The tier that the refusal was decided by.
    pub(super) tier: Tier,
    /// The level of the budget.
    pub(super) budget: Budget,
    /// The time after which the same request is allowed.
    pub(super) retry_after: Duration,
}

#[derive(Debug)]
struct Entry {
    secret_hash: ApiKeySecretHash,
    at: OffsetDateTime,
    refusal: Refusal,
}

impl Entry {
    /// Returns the age of an entry that still counts. It does not if the clock went back.
    fn age(&self, now: OffsetDateTime) -> Option<Duration> {
        let age = Duration::try_from(now - self.at).ok()?;
        (age < LIFETIME.min(self.refusal.retry_after)).then_some(age)
    }
}

/// The remembered refusals of a node. A refusal belongs to a key and the secret that was presented with it, since it is looked
/// up before the key is.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals(Arc<Mutex<HashMap<(KeyId, BudgetClass), Entry>>>);

impl Refusals {
    /// Returns the refusal as it would be at `now`.
    pub(super) fn find(
        &self,
        key: &KeyId,
        secret_hash: &ApiKeySecretHash,
        class: BudgetClass,
        now: OffsetDateTime,
    ) -> Option<Refusal> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.is_empty() {
            return None;
        }
        let entry = entries.get(&(key.clone(), class))?;
        let age = entry.age(now).filter(|_| entry.secret_hash.matches(secret_hash))?;
        let mut refusal = entry.refusal.clone();
        refusal.retry_after = refusal.retry_after.saturating_sub(age);
        refusal.budget.reset_after = refusal.budget.reset_after.saturating_sub(age);
        Some(refusal)
    }

    /// Remembers a refusal of a valid key.
    pub(super) fn remember(
        &self,
        key: &KeyId,
        secret_hash: ApiKeySecretHash,
        now: OffsetDateTime,
        refusal: Refusal,
    ) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.retain(|_, entry| entry.age(now).is_some());
        }
        if entries.len() < MOST {
            let id = (key.clone(), refusal.budget.class);
            entries.insert(id, Entry { secret_hash, at: now, refusal });
        }
    }

    /// Forgets what is remembered of the key, because its tier has changed.
    pub(super) fn forget(&self, key: &KeyId) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for class in [BudgetClass::Read, BudgetClass::Write] {
            entries.remove(&(key.clone(), class));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn key(number: usize) -> KeyId {
        KeyId::parse(&format!("{number:016}")).unwrap()
    }

    fn hash(byte: u8) -> ApiKeySecretHash {
        ApiKeySecretHash::from_bytes([byte; 32])
    }

    fn refusal(retry_after: Duration) -> Refusal {
        let budget = Budget {
            class: BudgetClass::Read,
            limit: 120,
            remaining: 0,
            reset_after: Duration::from_secs(60),
        };
        let organization = OrganizationId::new("org_1").unwrap();
        Refusal { organization, tier: Tier::standard(), budget, retry_after }
    }

    #[test]
    fn a_refusal_counts_for_its_key_secret_and_class_and_at_most_a_second() {
        let refusals = Refusals::default();
        refusals.remember(&key(1), hash(1), NOW, refusal(Duration::from_secs(3_600)));
        let find = |number, byte, class, after| refusals.find(&key(number), &hash(byte), class, NOW + after);
        let almost = Duration::from_micros(999_999);
        let found = find(1, 1, BudgetClass::Read, almost).unwrap();
        assert_eq!(found.retry_after, Duration::from_secs(3_600) - almost);
        assert_eq!(found.budget.reset_after, Duration::from_secs(60) - almost);
        assert_eq!(find(1, 1, BudgetClass::Read, LIFETIME), None);
        assert_eq!(find(2, 1, BudgetClass::Read, almost), None);
        assert_eq!(find(1, 2, BudgetClass::Read, almost), None);
        assert_eq!(find(1, 1, BudgetClass::Write, almost), None);
        let earlier = NOW - time::Duration::MICROSECOND;
        assert_eq!(refusals.find(&key(1), &hash(1), BudgetClass::Read, earlier), None);
        refusals.forget(&key(1));
        assert_eq!(find(1, 1, BudgetClass::Read, almost), None);
    }

    #[test]
    fn a_refusal_is_over_when_the_budget_has_a_permit_again() {
        let refusals = Refusals::default();
        let wait = Duration::from_millis(500);
        refusals.remember(&key(1), hash(1), NOW, refusal(wait));
        let find = |after| refusals.find(&key(1), &hash(1), BudgetClass::Read, NOW + after);
        assert_eq!(find(wait - Duration::from_micros(1)).unwrap().retry_after, Duration::from_micros(1));
        assert_eq!(find(wait), None);
    }

    #[test]
    fn memory_is_bounded_and_makes_room_for_new_refusals() {
        let refusals = Refusals::default();
        for number in 0..=MOST {
            refusals.remember(&key(number), hash(1), NOW, refusal(LIFETIME));
        }
        assert_eq!(refusals.0.lock().unwrap().len(), MOST);
        refusals.remember(&key(MOST), hash(1), NOW + LIFETIME, refusal(LIFETIME));
        assert_eq!(refusals.0.lock().unwrap().len(), 1);
    }
}
