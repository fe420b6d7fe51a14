//! The adapters over SQLite files.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod file;
mod fixtures;
mod storage;
mod test_database;
