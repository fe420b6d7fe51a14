//! The App's credential: key, JWT, clock skew, secrets.

mod jwt;
mod secrets;
mod signer;
mod skew;
