use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::PortError;
use crate::model::{
    ApiKeySecretHash, Binding, BudgetClass, KeyEnvironment, KeyId, KeyRecord, OrganizationId, Scope,
};
use crate::ports::RateLimitDecision;
use crate::ports::forward;

/// The argument of [`Admission::admit`]: a presented key, and the scope and budget class of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionRequest {
    /// The public part of the presented key.
    pub key: KeyId,
    /// The hash of the presented secret.
    pub secret_hash: ApiKeySecretHash,
    /// The environment that the presented key names.
    pub environment: KeyEnvironment,
    /// The scope that the request needs; `None` if any valid key is allowed.
    pub needed: Option<Scope>,
    /// The class of the budget.
    pub class: BudgetClass,
    /// Whether to charge one permit and to read the binding. If not, the core needs the key only.
    pub charge: bool,
    /// The time by the core's clock.
    pub now: OffsetDateTime,
}

/// The answer of [`Admission::admit`]. It names the key and secret that it is about; the core compares them with its
/// request before it uses the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionAnswer {
    /// The key that the answer is about.
    pub key: KeyId,
    /// The hash of the secret that the answer is about.
    pub secret_hash: ApiKeySecretHash,
    /// The stored key. `None` if the id is unknown; an adapter may also leave out a key that is not valid for the request.
    pub record: Option<KeyRecord>,
    /// The level of the key's budget: after the charge if the request was charged, otherwise as it is. `None` if the key is
    /// not valid, or if the adapter does not limit requests.
    pub decision: Option<RateLimitDecision>,
    /// The binding of the key's organization, if the adapter read it.
    pub binding: Option<ReadBinding>,
}

/// The live binding of an organization as it was read at some moment of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBinding {
    /// The organization.
    pub organization: OrganizationId,
    /// Its live binding, if it has one.
    pub binding: Option<Binding>,
}

/// Finds a key, charges its budget and reads the binding of its organization in one call.
///
/// A capability that saves round trips. Without it, the core calls [`KeyStore`](crate::ports::KeyStore),
/// [`RateLimiter`](crate::ports::RateLimiter) and [`BindingRepo`](crate::ports::BindingRepo) one after another, with the same outcome.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Admission: Debug + Send + Sync + 'static {
    /// Charges the request and returns key, budget and binding.
    ///
    /// - MUST charge only if the stored key has the request's id, secret hash and environment, is neither revoked nor expired
    ///   at `now`, has the needed scope, and its budget has a permit. In every other case MUST write nothing.
    /// - MUST decide by the key as stored during the call, so that a revocation and a new tier apply from the next request.
    /// - MUST charge as [`RateLimiter::check`](crate::ports::RateLimiter::check) does, to the same budget.
    /// - MUST return the level of a valid key's budget also if the request is not charged.
    /// - MAY charge a request whose call was dropped, and one whose answer was lost.
    ///
    /// # Errors
    /// Infrastructure failures only, for which the core rejects the request.
    async fn admit(&self, request: AdmissionRequest) -> Result<AdmissionAnswer, PortError>;
}

forward!(Admission {
    async fn admit(&self, request: AdmissionRequest) -> Result<AdmissionAnswer, PortError>;
});
