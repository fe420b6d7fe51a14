//! The HTTP contract, row by row, over real sockets against a simulated GitHub.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod access;
mod browser;
mod documented;
mod fixture;
mod in_process;
mod install_flow;
mod installation;
mod logs;
mod protocol;
mod response;
mod signed_deliveries;
mod sockets;
