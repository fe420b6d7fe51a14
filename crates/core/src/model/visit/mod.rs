//! The visit of a person to the install flow: its secrets, its state, and what it proves.

mod issued_state;
mod proof;
mod secret;
mod visitor;

pub use issued_state::{
    AnsweredConfirmation, CodeFate, IssuedState, PendingConfirmation, SetupAction, VerifiedClaim,
};
pub use proof::{ClaimPolicy, Proof};
pub use secret::{
    AuthorizationCode, BrowserSecret, CodeVerifier, InvalidCode, InvalidState, State, StateDigest, Ticket,
};
pub use visitor::{
    ClaimMembership, DenialCause, InstallerRecord, Membership, UnknownReason, Visibility, VisitorFacts,
};
