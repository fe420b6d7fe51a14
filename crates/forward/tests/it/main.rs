//! The sender against a real socket, with requests verified by Standard Webhooks' own library.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod answers;
mod endpoint;
mod receiver;
mod signed;
mod tls;
