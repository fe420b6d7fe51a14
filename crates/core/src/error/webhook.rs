use super::{ErrorCode, PortError};
use crate::model::InstallationId;

/// Why the signature of a delivery was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureRefusal {
    /// The delivery has no `X-Hub-Signature-256`. The older `X-Hub-Signature` is ignored.
    #[error("the delivery has no X-Hub-Signature-256")]
    Missing,
    /// The header is not `sha256=` and 64 lower-case hexadecimal digits.
    #[error("X-Hub-Signature-256 is not sha256= and 64 lower-case hexadecimal digits")]
    Malformed,
    /// No configured webhook secret gives this signature for this body.
    #[error("X-Hub-Signature-256 does not match the body with any configured webhook secret")]
    Mismatch,
    /// No webhook secret is configured, so no signature can be verified.
    #[error("no webhook secret is configured")]
    NoSecret,
}

/// Why a signed delivery was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryFault {
    /// The delivery has no `X-GitHub-Event`.
    #[error("the delivery has no X-GitHub-Event")]
    NoEvent,
    /// The body is neither a JSON object nor a form whose `payload` is one.
    #[error("the body is neither a JSON object nor a form whose payload is one")]
    NotAnObject,
    /// The body does not have the shape of the event that `X-GitHub-Event` names. Headers are not signed, so the body
    /// has to confirm them.
    #[error("the body does not have the shape of the event that X-GitHub-Event names")]
    AnotherShape,
    /// The delivery is for another App.
    #[error("the delivery is for another App")]
    ForeignApp,
    /// The delivery has no `X-GitHub-Delivery`, or an invalid one. Checked if deliveries are passed on to the product.
    #[error("the delivery has no X-GitHub-Delivery of 1 to 64 characters of a-z, A-Z, 0-9 and -")]
    NoDeliveryId,
}

impl DeliveryFault {
    /// Every fault.
    pub const ALL: &[Self] =
        &[Self::NoEvent, Self::NotAnObject, Self::AnotherShape, Self::ForeignApp, Self::NoDeliveryId];
}

/// Why [`Dockline::handle_webhook`](crate::Dockline::handle_webhook) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The delivery is not signed with a configured webhook secret. Handling: 401.
    #[error(transparent)]
    Unsigned(#[from] SignatureRefusal),
    /// The delivery is signed, but not readable as its event. Handling: 422.
    #[error(transparent)]
    Unreadable(#[from] DeliveryFault),
    /// The undelivered messages of the organization, or of all together, have reached their bound. Handling: 503, so that
    /// GitHub lists the delivery as failed.
    #[error("the outbox is full")]
    OutboxFull {
        /// The installation to refresh nevertheless.
        refresh: Option<InstallationId>,
    },
    /// The host's sink or the outbox did not accept the delivery. Handling: 503, so that GitHub lists the delivery as
    /// failed.
    #[error("the product did not get the delivery: {source}")]
    NotTaken {
        /// The failure.
        source: PortError,
        /// The installation to refresh nevertheless.
        refresh: Option<InstallationId>,
    },
    /// Infrastructure failure. Handling: 5xx, so that GitHub lists the delivery as failed. GitHub does not redeliver by
    /// itself; the next reconciliation corrects the status.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl WebhookError {
    /// Returns the installation to refresh, although the product did not get the delivery.
    #[must_use]
    pub const fn refresh(&self) -> Option<InstallationId> {
        match self {
            Self::OutboxFull { refresh } | Self::NotTaken { refresh, .. } => *refresh,
            Self::Unsigned(_) | Self::Unreadable(_) | Self::Port(_) => None,
        }
    }

    /// Returns the code for a response.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unsigned(_) => ErrorCode::Unauthenticated,
            Self::Unreadable(_) => ErrorCode::Validation,
            Self::OutboxFull { .. } | Self::NotTaken { .. } => ErrorCode::Unavailable,
            Self::Port(error) => error.code(),
        }
    }
}
