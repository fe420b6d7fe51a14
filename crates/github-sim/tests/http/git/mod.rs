//! Git over HTTP.

mod access;
mod clone;
mod push;
