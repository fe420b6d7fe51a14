//! The ports of API keys and their budgets.

mod admission;
mod key_admin;
mod key_store;
mod key_usage;
mod rate_limiter;

#[cfg(any(test, feature = "mocks"))]
pub use {
    admission::MockAdmission, key_admin::MockKeyAdmin, key_store::MockKeyStore, key_usage::MockKeyUsage,
    key_usage::MockKeyUsageWriter, rate_limiter::MockRateLimiter,
};

pub use admission::{Admission, AdmissionAnswer, AdmissionRequest, ReadBinding};
pub use key_admin::KeyAdmin;
pub use key_store::KeyStore;
pub use key_usage::{KeyUsage, KeyUsageWriter, NoKeyUsage};
pub use rate_limiter::{RateLimitDecision, RateLimitRequest, RateLimiter};
