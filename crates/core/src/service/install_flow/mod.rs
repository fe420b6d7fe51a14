//! The steps of a visitor in the browser, from the install URL to the confirmed claim.

mod callback;
mod confirm;
mod installer;
mod start_install;

pub use callback::{
    Authorization, Callback, CallbackOutcome, ConfirmationPrompt, InstallResult, ReturnRedirect,
};
pub use confirm::ConfirmationAnswer;
pub use start_install::{InstallLink, StartInstallRequest};
