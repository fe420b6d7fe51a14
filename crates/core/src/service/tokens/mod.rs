//! Installation tokens, and the repositories that they have access to.

mod reading;
mod repositories;
mod token;

pub use token::RefusedToken;
pub(super) use {reading::Readings, repositories::Listings, token::Tokens};
