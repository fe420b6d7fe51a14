//! The App's identity: its key, who signs with it, and the JWT.

mod jwt;
mod private_key;
mod public_key;
mod signer;

pub(crate) use jwt::{Jwt, JwtCache};
pub use private_key::KeyProblem;
pub use public_key::{PublicKey, PublicKeyProblem};
pub use signer::{LocalSigner, Signature, Signer, SignerError};
