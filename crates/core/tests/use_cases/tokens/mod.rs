//! Tokens and repositories of a bound installation.

mod denials;
mod repositories;
mod repository_pages;
mod tokens;
