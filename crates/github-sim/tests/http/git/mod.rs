//! Git over HTTP.

mod access;
mod clone;
