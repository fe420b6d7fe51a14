//! `dockline keys`: creates, rotates, lists and revokes API keys.

mod create;
mod expiry;
mod list;
mod output;
mod rotate;
mod tier;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use dockline::ports::{Clock, SystemClock};
use dockline::{KeyId, OrganizationId};
use serde_json::json;

pub use create::CreateArgs;
pub use expiry::ExpiryArgs;
pub use list::ListArgs;
pub use rotate::RotateArgs;
pub use tier::TierArgs;

use crate::database::DatabaseArgs;
use crate::logging;
use output::rfc3339;

/// The subcommands of `dockline keys`.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Create a key and print it. It cannot be printed again, because only a hash of it is stored.
    Create(Box<CreateArgs>),
    /// Create a key that replaces another one, and print it. The old key expires after a grace period.
    ///
    /// The new key has the organization, environment, scopes, tier, return domains, label and lifetime of the old one. A key
    /// is rotated once; if the printed key is lost, rotate the new one.
    Rotate(RotateArgs),
    /// List keys, including revoked and expired ones. Their secrets are not stored.
    List(ListArgs),
    /// Revoke a key at once, on all nodes. Requests with it get 401.
    Revoke(RevokeArgs),
}

fn organization(text: &str) -> Result<OrganizationId, dockline::InvalidOrganizationId> {
    OrganizationId::new(text)
}

fn key_id(text: &str) -> Result<KeyId, &'static str> {
    KeyId::parse(text).map_err(|_| "a key id has 14 to 18 characters of 0-9 A-Z without I, L, O and U")
}

fn unknown_key(key: &KeyId) -> String {
    format!("there is no key {key}; dockline keys list shows all keys")
}

/// Runs the subcommand.
///
/// # Errors
/// If the database cannot be reached or is not migrated, and if the arguments contradict each other.
pub async fn run(command: KeysCommand) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    match command {
        KeysCommand::Create(args) => create::run(*args).await,
        KeysCommand::Rotate(args) => rotate::run(args).await,
        KeysCommand::List(args) => list::run(args).await,
        KeysCommand::Revoke(args) => revoke(args).await,
    }
}

/// Options of `dockline keys revoke`.
#[derive(Debug, Clone, Args)]
pub struct RevokeArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Id of the key: the part between its second and third underscore.
    #[arg(value_name = "KEY_ID", value_parser = key_id)]
    key: KeyId,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

async fn revoke(args: RevokeArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let store = args.database.open().await?.keys();
    let at = SystemClock.now();
    if !store.revoke(&args.key, at).await? {
        return Err(unknown_key(&args.key).into());
    }
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", json!({ "keyId": args.key.as_str(), "revokedAt": rfc3339(at)? }))?;
    } else {
        writeln!(stdout, "revoked {}", args.key)?;
    }
    Ok(ExitCode::SUCCESS)
}
