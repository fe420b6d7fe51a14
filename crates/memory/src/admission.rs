use std::fmt;

use async_trait::async_trait;
use dockline::ports::{
    Admission, AdmissionAnswer, AdmissionRequest, BindingRepo, KeyStore, RateLimitRequest, RateLimiter,
    ReadBinding,
};
use dockline::rules::access;
use dockline::{BudgetKey, PortError};

use crate::{MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter};

/// Finds a key, charges its budget and reads the binding of its organization in one call.
#[derive(Clone, Default)]
pub struct MemoryAdmission {
    keys: MemoryKeyStore,
    limiter: MemoryRateLimiter,
    bindings: MemoryBindingRepo,
}

impl MemoryAdmission {
    /// Uses these keys, budgets and bindings.
    #[must_use]
    pub const fn new(keys: MemoryKeyStore, limiter: MemoryRateLimiter, bindings: MemoryBindingRepo) -> Self {
        Self { keys, limiter, bindings }
    }
}

impl fmt::Debug for MemoryAdmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAdmission").finish_non_exhaustive()
    }
}

#[async_trait]
impl Admission for MemoryAdmission {
    async fn admit(&self, request: AdmissionRequest) -> Result<AdmissionAnswer, PortError> {
        let record = access::authenticate(&request, self.keys.find(&request.key).await?);
        let (mut decision, mut binding) = (None, None);
        if let Some(record) = &record {
            let charges = request.charge && access::has_scope(record, request.needed.as_ref());
            let check = RateLimitRequest {
                key: BudgetKey::from(&record.id),
                class: request.class,
                tier: record.tier.clone(),
                permits: charges.into(),
                now: request.now,
            };
            decision = Some(self.limiter.check(check).await?);
            if request.charge {
                let organization = record.organization.clone();
                let bound = self.bindings.find(&organization).await?;
                binding = Some(ReadBinding { organization, binding: bound });
            }
        }
        Ok(AdmissionAnswer { key: request.key, secret_hash: request.secret_hash, record, decision, binding })
    }
}
