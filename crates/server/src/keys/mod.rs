//! `dockline keys`: makes, rotates, lists and revokes the product's API keys.

mod create;
mod life;
mod list;
mod revoke;
mod rotate;
mod tier;
mod told;

use std::error::Error;
use std::process::ExitCode;

use clap::Subcommand;
use dockline::{KeyId, OrganizationId};

pub use create::CreateArgs;
pub use life::Life;
pub use list::ListArgs;
pub use revoke::RevokeArgs;
pub use rotate::RotateArgs;
pub use tier::TierArgs;

use crate::logging;

/// What to do with keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it, once: only a hash of its secret is stored.
    Create(Box<CreateArgs>),
    /// Make a key in the place of another one and print it, once. The old one is refused after a period of grace.
    ///
    /// The fresh key has the organization, environment, scopes, tier, return domains and label of the old one, and where the
    /// old one expires, as long a life. A key is rotated once; where the printed key was lost, rotate the fresh one.
    Rotate(RotateArgs),
    /// List keys, revoked and expired ones included. Secrets cannot be shown: they are not stored.
    List(ListArgs),
    /// Refuse a key from now on, on all nodes: the next request with it is a 401.
    Revoke(RevokeArgs),
}

fn organization(text: &str) -> Result<OrganizationId, dockline::InvalidOrganizationId> {
    OrganizationId::new(text)
}

fn key_id(text: &str) -> Result<KeyId, &'static str> {
    KeyId::parse(text).map_err(|_| "a key id has 14 to 18 characters of 0-9 A-Z without I, L, O and U")
}

/// No such key is there: how to find those that are.
fn unknown(key: &KeyId) -> String {
    format!("there is no key {key}; dockline keys list names those that there are")
}

/// Does what was asked for.
///
/// # Errors
/// Where the database cannot be reached or has no tables yet, and where the arguments do not fit together.
pub async fn run(command: KeysCommand) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    match command {
        KeysCommand::Create(args) => create::run(*args).await,
        KeysCommand::Rotate(args) => rotate::run(args).await,
        KeysCommand::List(args) => list::run(args).await,
        KeysCommand::Revoke(args) => revoke::run(args).await,
    }
}
