//! The model: types that are validated when they are created.

mod access;
mod binding;
mod digest;
mod facts;
mod history;
mod ids;
mod installation;
mod life;
mod outbox;
mod repository;
mod spelled;
mod stored;
pub(crate) mod timestamp;
mod token;
mod token_scope;
mod visit;
mod webhook_secrets;

pub use access::{
    Actor, ApiKey, ApiKeySecretHash, Budget, BudgetClass, BudgetKey, Caller, InvalidName, KeyEnvironment,
    KeyId, KeyRecord, MalformedApiKey, OrganizationName, Rotation, RotationTerms, Scope, Tier, Unrotatable,
};
pub use binding::{Binding, NewBinding};
pub use digest::SecretDigest;
pub use facts::{
    InstallationFacts, Permissions, ReportedFacts, RepositorySelection, StoredFacts, Suspender,
    WaitingPermission,
};
pub use history::{BindingState, HistoryCursor, HistoryEntry};
pub(crate) use ids::is_decimal;
pub use ids::{
    AccountId, AppId, InstallationId, InvalidOrganizationId, OrganizationId, OutOfRange, RepositoryId,
};
pub use installation::{Account, AccountKind, Installation, InstallationRecord, InstalledOn, Status};
pub use life::{Life, Presence, UninstalledBy};
pub use outbox::{
    Backlog, Change, DeliveryGuid, EntryContent, EntryStatus, FailedAttempt, FailureRecord,
    InstallationSnapshot, InvalidDeliveryGuid, InvalidMessageId, Lease, MessageId, OutboxBounds, OutboxEntry,
    OutboxMessage, PresenceKind, TenantDelivery, Verdict, VerifiedDelivery,
};
pub use repository::{InvalidRepositoryName, Repository, RepositoryName};
pub use spelled::UnknownSpelling;
pub(crate) use spelled::spelled;
pub use stored::{BindingCounts, KeyEntry, OutboxUsage, Tombstone, TombstoneReset};
pub use timestamp::{format_timestamp, stored_time};
pub use token::{InstallationToken, InvalidFullName, NewToken};
pub use token_scope::{Access, InvalidScope, PermissionName, RepositoryScope, TokenScope};
pub use visit::{
    AnsweredConfirmation, AuthorizationCode, BrowserSecret, ClaimMembership, ClaimPolicy, CodeFate,
    CodeVerifier, DenialCause, InstallerRecord, InvalidCode, InvalidState, IssuedState, Membership,
    PendingConfirmation, Proof, SetupAction, State, StateDigest, Ticket, UnknownReason, VerifiedClaim,
    Visibility, VisitorFacts,
};
pub use webhook_secrets::{WeakWebhookSecret, WebhookSecrets};
