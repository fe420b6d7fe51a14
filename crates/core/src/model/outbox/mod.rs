//! Messages for the product: deliveries of GitHub, changes of installations, and the outbox that keeps them.

mod change;
mod entry;
mod message;

pub use change::{Change, InstallationSnapshot, PresenceKind};
pub use entry::{
    Backlog, EntryContent, EntryStatus, FailedAttempt, FailureRecord, Lease, OutboxBounds, OutboxEntry,
    OutboxMessage, Verdict,
};
pub use message::{
    DeliveryGuid, InvalidDeliveryGuid, InvalidMessageId, MessageId, TenantDelivery, VerifiedDelivery,
};
