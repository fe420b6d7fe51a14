//! The cases of [`Admission`]. [`admission_suite!`](crate::admission_suite) runs them.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::{
    Admission, AdmissionAnswer, AdmissionRequest, BindingRepo, RateLimitDecision, RateLimitRequest,
    RateLimiter,
};
use dockline::{ApiKey, Budget, BudgetClass, KeyId, KeyRecord, Scope};
use time::OffsetDateTime;

use crate::runner::suite;

pub mod access;
pub mod budgets;
pub mod identity;
pub mod races;

pub(crate) use crate::fixtures::NOON;

/// Gives access to one store: through the adapter under test, through a second handle as another node has one, and through
/// the small ports.
#[async_trait]
pub trait AdmissionDriver: Debug + Send + Sync + 'static {
    /// Returns the adapter under test.
    fn admission(&self) -> &dyn Admission;

    /// Returns another handle to the same store.
    fn other_node(&self) -> &dyn Admission;

    /// Returns the rate limiter with the same budgets.
    fn limiter(&self) -> &dyn RateLimiter;

    /// Returns the repository with the same bindings.
    fn bindings(&self) -> &dyn BindingRepo;

    /// Stores a key.
    async fn insert(&self, record: KeyRecord);

    /// Replaces the record of a key.
    async fn replace(&self, record: KeyRecord);

    /// Revokes the key as of `at`.
    async fn revoke(&self, id: &KeyId, at: OffsetDateTime);
}

suite! {
    /// Makes one `#[test]` per case of [`Admission`](crate::dockline::ports::Admission) in a module `admission`. The
    /// adapter is an [`AdmissionDriver`](crate::admission::AdmissionDriver).
    admission_suite, admission, AdmissionDriver: access, budgets, identity, races
}

/// Returns a read at noon that needs the scope `github:admin`.
pub(crate) fn read(key: &ApiKey) -> AdmissionRequest {
    AdmissionRequest {
        key: key.id().clone(),
        secret_hash: key.secret_hash(),
        environment: key.environment(),
        needed: Some(Scope::GithubAdmin),
        class: BudgetClass::Read,
        charge: true,
        now: NOON,
    }
}

pub(crate) fn write(key: &ApiKey) -> AdmissionRequest {
    AdmissionRequest { class: BudgetClass::Write, ..read(key) }
}

pub(crate) async fn admit(admission: &dyn Admission, request: AdmissionRequest) -> AdmissionAnswer {
    admission.admit(request).await.unwrap()
}

/// Returns the level after a request that must be allowed.
pub(crate) async fn allowed(admission: &dyn Admission, request: AdmissionRequest) -> Budget {
    match admit(admission, request).await.decision {
        Some(RateLimitDecision::Allowed(budget)) => budget,
        other @ (Some(RateLimitDecision::Limited { .. }) | None) => {
            unreachable!("must be allowed: {other:?}")
        }
    }
}

/// Returns the level of a key's budget through the rate limiter.
pub(crate) async fn left(driver: &dyn AdmissionDriver, record: &KeyRecord, class: BudgetClass) -> u32 {
    let request = RateLimitRequest {
        key: (&record.id).into(),
        class,
        tier: record.tier.clone(),
        permits: 0,
        now: NOON,
    };
    match driver.limiter().check(request).await.unwrap() {
        RateLimitDecision::Allowed(budget) => budget.remaining,
        limited @ RateLimitDecision::Limited { .. } => unreachable!("nothing was requested: {limited:?}"),
    }
}
