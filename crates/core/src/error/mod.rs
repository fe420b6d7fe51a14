//! Errors in three layers: an adapter's own error, [`PortError`] with its kind, and one error per use case. The errors of
//! use cases that serve requests have an [`ErrorCode`]. `Display` texts are for operators and contain no secret and no
//! data of other organizations.

mod callback;
mod code;
mod issue;
mod port;
mod token;
mod use_case;
mod webhook;

pub use callback::{CallbackError, CallbackRefusal, WaysOut};
pub use code::ErrorCode;
pub use issue::{Issue, IssueCode};
pub use port::{EntropyFailed, GithubCredential, PortError, PortErrorKind, PortName};
pub use token::{RepositoriesError, TokenError};
pub use use_case::{
    AuthenticateError, BuildError, ChargeError, DetachError, RefusalReason, RegisterError, StartInstallError,
};
pub use webhook::{DeliveryFault, SignatureRefusal, WebhookError};
