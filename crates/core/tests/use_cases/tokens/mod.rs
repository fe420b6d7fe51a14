//! Tokens and repositories of a bound installation.

mod denials;
pub(crate) mod repositories;
mod repository_pages;
mod token;
