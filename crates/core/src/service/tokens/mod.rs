//! Installation tokens, and the repositories that they have access to.

mod repositories;
mod token;

pub use token::RefusedToken;
pub(super) use {repositories::Listings, token::Tokens};
