use std::error::Error;
use std::fmt;

use super::GithubError;

/// Why a call to GitHub failed: the source of each [`PortError`](dockline::PortError) of this crate.
///
/// Its texts are for operators. They contain GitHub's own words, but no secret.
///
/// ```
/// use std::error::Error;
///
/// # use dockline::PortError;
/// fn report(error: &PortError) {
///     if let Some(call) = error.source().and_then(|source| source.downcast_ref::<dockline_github::CallError>()) {
///         eprintln!("{}\nhelp: {}", call.cause(), call.help());
///     }
/// }
/// ```
#[derive(Debug)]
pub struct CallError(pub(super) GithubError);

impl CallError {
    /// Returns what is wrong.
    #[must_use]
    pub fn cause(&self) -> String {
        self.0.cause()
    }

    /// Returns what to do about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        self.0.help()
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
