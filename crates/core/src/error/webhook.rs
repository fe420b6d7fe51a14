use super::{ErrorCode, PortError};

/// Why a delivery's signature does not count (L-24 to L-27).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureRefusal {
    /// There is no `X-Hub-Signature-256`; the older `X-Hub-Signature` does not count.
    #[error("the delivery has no X-Hub-Signature-256")]
    Missing,
    /// It is not `sha256=` and 64 hexadecimal digits.
    #[error("X-Hub-Signature-256 is not sha256= and 64 lower-case hexadecimal digits")]
    Malformed,
    /// It was not made with a secret of ours over this body.
    #[error("X-Hub-Signature-256 was not made with a secret of ours over this body")]
    Mismatch,
    /// We have no webhook secret, so nothing can be told apart.
    #[error("no webhook secret is configured")]
    NoSecret,
}

/// Why a signed delivery could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryFault {
    /// There is no `X-GitHub-Event`.
    #[error("the delivery has no X-GitHub-Event")]
    NoEvent,
    /// The body is not a JSON object, nor a form with one.
    #[error("the body is neither a JSON object nor a form whose payload is one")]
    NotAnObject,
    /// The body is not one of this event: headers are not signed, so the two are held against each other.
    #[error("the body is not one of the event that X-GitHub-Event names")]
    AnotherShape,
    /// It is about another App's installation.
    #[error("the delivery is about another App")]
    ForeignApp,
}

impl DeliveryFault {
    /// Every fault.
    pub const ALL: &[Self] = &[Self::NoEvent, Self::NotAnObject, Self::AnotherShape, Self::ForeignApp];
}

/// Why a delivery had no effect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// Not signed by GitHub with our secret. Handling: 401 (`contract.md` §3).
    #[error(transparent)]
    Unsigned(#[from] SignatureRefusal),
    /// Signed, but not to be read. Handling: 422; GitHub shows it to the operator as failed.
    #[error(transparent)]
    Unreadable(#[from] DeliveryFault),
    /// Infrastructure trouble. Handling: GitHub shows it to the operator as failed and does not repeat it by itself; a
    /// sweep finds what it would have told.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl WebhookError {
    /// The code that the sender sees.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unsigned(_) => ErrorCode::Unauthenticated,
            Self::Unreadable(_) => ErrorCode::Validation,
            Self::Port(error) => error.code(),
        }
    }
}
