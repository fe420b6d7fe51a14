//! A host with its own login: no API keys, an `Authenticator`, routers mounted one by one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod cross_site;
mod host;
mod mounting;
mod sessions;
