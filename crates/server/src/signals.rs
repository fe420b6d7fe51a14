//! Ctrl-C and SIGTERM.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the program. From the first of these on, no signal ends it by itself any more; each one that is
/// caught from then on counts here.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// Where the operating system refuses.
    pub fn caught() -> io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        });
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Done when the next one comes.
    #[cfg(unix)]
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Done when the next Ctrl-C comes.
    #[cfg(not(unix))]
    pub async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Catches the signals that end the program from now on; the answer is done when the first one comes. Called before
/// anything is printed: whoever waits for the first line may send a signal right after it.
///
/// # Errors
/// Where the operating system refuses.
pub fn ended() -> io::Result<impl Future<Output = ()> + Send> {
    let mut signals = Signals::caught()?;
    Ok(async move { signals.next().await })
}
