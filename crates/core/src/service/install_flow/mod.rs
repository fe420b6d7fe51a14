//! The steps of a visitor in the browser, from the install URL to the confirmed claim.

mod callback;
mod choice;
mod confirm;
mod installer;
mod question;
mod redirect;
mod start_install;
mod visit;
mod ways_out;
mod web_flow;

pub use callback::{Callback, CallbackOutcome};
pub use choice::{InstallationChoice, InstallationOption};
pub use confirm::ConfirmationAnswer;
pub use question::ConfirmationPrompt;
pub use redirect::{InstallResult, ReturnRedirect};
pub use start_install::{InstallLink, StartInstallRequest};
pub use web_flow::Authorization;
