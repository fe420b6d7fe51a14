//! Ctrl-C and SIGTERM.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Installs handlers for SIGINT (Ctrl-C) and SIGTERM and returns the number of signals received since. From then on these
/// signals do not end the process by themselves. Call it before the program prints that it is ready: a signal may follow at
/// once.
///
/// Must be called within a tokio runtime.
///
/// # Errors
/// If the operating system refuses the handlers.
pub fn count_signals() -> io::Result<watch::Receiver<u32>> {
    let (sender, receiver) = watch::channel(0);
    #[cfg(unix)]
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(not(unix))]
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            sender.send_modify(|count| *count += 1);
        }
    });
    Ok(receiver)
}

/// Returns a future that completes at the first SIGINT or SIGTERM; see [`count_signals`].
///
/// # Errors
/// If the operating system refuses the handlers.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut signals = count_signals()?;
    Ok(async move {
        // Fails only if the runtime is shutting down.
        let _ = signals.wait_for(|count| *count >= 1).await;
    })
}
