use dockline::PortErrorKind;

/// Why a [`Signer`](crate::Signer) returned no signature. The text names the cause and, if there is one, the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The signer cannot be reached now; a later attempt may succeed.
    #[error("the signer is unavailable: {0}")]
    Unavailable(String),
    /// The signer refuses, or returns an invalid signature; a retry will not help.
    #[error("the signer does not work: {0}")]
    Broken(String),
}

impl SignerError {
    pub(crate) const fn kind(&self) -> PortErrorKind {
        match self {
            Self::Unavailable(_) => PortErrorKind::Unavailable,
            Self::Broken(_) => PortErrorKind::Rejected,
        }
    }
}
