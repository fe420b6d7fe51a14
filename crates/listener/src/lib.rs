#![doc = include_str!("../README.md")]

mod address;
mod address_limit;
mod body;
mod connection;
mod connection_state;
mod handler;
mod io;
mod limits;
mod listener;
mod open_files;
mod rejection;
mod request_head;
mod signals;

pub use address::{BindError, ListenAddr, bind, local_url};
pub use body::RequestBody;
pub use limits::Limits;
pub use listener::Listener;
pub use open_files::raise_open_file_limit;
pub use rejection::Rejection;
pub use signals::{count_signals, shutdown_signal};
