//! Ctrl-C and SIGTERM.

use std::io;

/// Catches the signals that end the program from now on; the answer is done when the first one comes. Called before
/// anything is printed: whoever waits for the first line may send a signal right after it.
///
/// # Errors
/// Where the operating system refuses.
#[cfg(unix)]
pub fn ended() -> io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Done when Ctrl-C comes.
///
/// # Errors
/// Never here.
#[cfg(not(unix))]
pub fn ended() -> io::Result<impl Future<Output = ()> + Send> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
