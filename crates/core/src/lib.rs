//! Binds GitHub App installations to the organizations of a multi-tenant product, and cannot be talked into binding
//! somebody else's.

pub mod error;
pub mod model;
pub mod ports;

pub use error::{
    AdmitError, ArrivalRefusal, BeginError, BuildError, ErrorCode, Issue, IssueCode, PortError,
    PortErrorKind, PortName, RefusalReason, RegisterError,
};
pub use model::*;
