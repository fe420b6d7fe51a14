//! The App's identity: its key, who signs with it, and the JWT.

mod jwt;
mod private_key;
mod public_key;
mod signer;

pub(crate) use jwt::{Jwt, JwtCache};
pub use public_key::PublicKey;
pub use signer::{LocalSigner, Signature, Signer};
