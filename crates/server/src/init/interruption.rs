//! Ctrl-C and SIGTERM.

use std::error::Error;
use std::{fmt, io};

use dockline_listener::count_signals;
use tokio::sync::watch;

/// A signal ended the program. Contains what that means for the files and the App.
#[derive(Debug)]
pub(super) struct Interrupted(pub(super) String);

impl Interrupted {
    /// The exit code by which shells report SIGINT.
    pub(super) const EXIT_CODE: u8 = 130;
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interrupted: {}", self.0)
    }
}

impl Error for Interrupted {}

/// The signals since the start.
pub(super) struct Signals(watch::Receiver<u32>);

impl Signals {
    /// Installs the handlers, without which a signal would leave a terminal that hides what is typed.
    ///
    /// # Errors
    /// If the operating system refuses them.
    pub(super) fn install() -> io::Result<Self> {
        count_signals().map(Self)
    }

    /// Completes at a signal.
    pub(super) async fn received(&mut self) {
        // Fails only if the runtime is shutting down.
        let _ = self.0.wait_for(|count| *count > 0).await;
    }

    /// Returns the output of `work`.
    ///
    /// # Errors
    /// [`Interrupted`] with `note`, if a signal arrives before.
    pub(super) async fn or<T>(
        &mut self,
        note: &str,
        work: impl Future<Output = T> + Send,
    ) -> Result<T, Interrupted> {
        tokio::select! {
            output = work => Ok(output),
            () = self.received() => Err(Interrupted(note.to_owned())),
        }
    }
}
