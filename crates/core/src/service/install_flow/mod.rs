//! From the install URL to a confirmed claim: what a visitor passes through in the browser.

mod callback;
mod confirm;
mod installer;
mod start_install;

pub use callback::{
    Authorization, Callback, CallbackOutcome, ConfirmationPrompt, InstallResult, ReturnRedirect,
};
pub use confirm::ConfirmationAnswer;
pub use start_install::{InstallLink, StartInstallRequest};
