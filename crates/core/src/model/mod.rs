//! What the rules speak about: parsed once at the edge, trusted from there on.

mod api_key;
mod binding;
mod budget;
mod caller;
mod ids;
mod installation;
mod issued_state;
mod proof;
mod secret;

pub use api_key::{ApiKey, ApiKeySecretHash, KeyEnvironment, KeyId, KeyRecord, MalformedApiKey};
pub use binding::{Binding, NewBinding};
pub use budget::{Budget, BudgetClass, Tier};
pub use caller::{Caller, Scope};
pub use ids::{AccountId, AppId, InstallationId, InvalidOrganizationId, OrganizationId, OutOfRange};
pub use installation::{Account, AccountKind, Installation, InstalledOn, Status};
pub use issued_state::{IssuedState, SetupAction, Tie, Visit};
pub use proof::{ClaimPolicy, Proof, Witness};
pub use secret::{AuthorizationCode, BrowserSecret, InvalidState, SecretDigest, State, StateDigest, Ticket};
