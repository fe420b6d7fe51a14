//! Installation tokens and what they reach.

mod repositories;
mod token;

pub use token::RefusedToken;
pub(super) use {repositories::Listings, token::Tokens};
