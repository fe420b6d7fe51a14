//! Callers and their rights: API keys, scopes, budgets, and the names of organizations and actors.

mod api_key;
mod budget;
mod caller;
mod names;
mod rotation;

pub use api_key::{ApiKey, ApiKeySecretHash, KeyEnvironment, KeyId, KeyRecord, MalformedApiKey};
pub use budget::{Budget, BudgetClass, BudgetKey, Tier};
pub use caller::{Caller, Scope};
pub use names::{Actor, InvalidName, OrganizationName};
pub use rotation::{Rotation, RotationTerms, Unrotatable};
