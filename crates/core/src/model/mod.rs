//! The model: types that are validated when they are created.

mod api_key;
mod binding;
mod budget;
mod caller;
mod ids;
mod installation;
mod issued_state;
mod life;
mod names;
mod proof;
mod repository;
mod rotation;
mod secret;
mod spelled;
pub(crate) mod timestamp;
mod token;
mod token_scope;
mod visitor;
mod webhook_secrets;

pub use api_key::{ApiKey, ApiKeySecretHash, KeyEnvironment, KeyId, KeyRecord, MalformedApiKey};
pub use binding::{Binding, NewBinding};
pub use budget::{Budget, BudgetClass, BudgetKey, Tier};
pub use caller::{Caller, Scope};
pub(crate) use ids::is_decimal;
pub use ids::{
    AccountId, AppId, InstallationId, InvalidOrganizationId, OrganizationId, OutOfRange, RepositoryId,
};
pub use installation::{Account, AccountKind, Installation, InstallationRecord, InstalledOn, Status};
pub use issued_state::{
    AnsweredConfirmation, CodeFate, IssuedState, PendingConfirmation, SetupAction, VerifiedClaim,
};
pub use life::{Life, Presence, UninstalledBy};
pub use names::{Actor, InvalidName, OrganizationName};
pub use proof::{ClaimPolicy, Proof};
pub use repository::{InvalidRepositoryName, Repository, RepositoryName};
pub use rotation::{Rotation, RotationTerms, Unrotatable};
pub use secret::{
    AuthorizationCode, BrowserSecret, CodeVerifier, InvalidCode, InvalidState, SecretDigest, State,
    StateDigest, Ticket,
};
pub use spelled::UnknownSpelling;
pub(crate) use spelled::spelled;
pub use timestamp::format_timestamp;
pub use token::{InstallationToken, InvalidFullName, NewToken};
pub use token_scope::{Access, InvalidScope, PermissionName, RepositoryScope, TokenScope};
pub use visitor::{
    ClaimMembership, DenialCause, InstallerRecord, Membership, UnknownReason, Visibility, VisitorFacts,
};
pub use webhook_secrets::{WeakWebhookSecret, WebhookSecrets};
