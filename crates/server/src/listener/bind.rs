//! Taking a port.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// A port could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({flag}): {cause}. {mend}")]
pub struct BindFailed {
    address: SocketAddr,
    flag: &'static str,
    cause: io::Error,
    mend: &'static str,
}

/// Listens on `address`, which came from `flag`. Another port is never taken in its place.
///
/// # Errors
/// [`BindFailed`] says what to do.
pub async fn bind(address: SocketAddr, flag: &'static str) -> Result<TcpListener, BindFailed> {
    TcpListener::bind(address).await.map_err(|cause| {
        let taken = "End the program that has it, or choose another port; port 0 takes a free one.";
        let known = [
            (io::ErrorKind::AddrInUse, taken),
            (io::ErrorKind::PermissionDenied, "Choose a port above 1023."),
            (io::ErrorKind::AddrNotAvailable, "This machine has no such address; try 127.0.0.1."),
        ];
        let mend = known.iter().find(|(kind, _)| *kind == cause.kind());
        let mend = mend.map_or("Choose another address.", |(_, mend)| mend);
        BindFailed { address, flag, cause, mend }
    })
}
