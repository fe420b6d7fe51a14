use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::KeyId;
use dockline::ports::{Clock, SystemClock};
use dockline_postgres::PgKeyStore;
use serde_json::json;

use super::told::told;
use super::{key_id, unknown};
use crate::database::DatabaseArgs;

/// Options of `dockline keys revoke`.
#[derive(Debug, Clone, Args)]
pub struct RevokeArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The key's public part: what stands between the second and the third underscore.
    #[arg(value_name = "KEY_ID", value_parser = key_id)]
    key: KeyId,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: RevokeArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let store = PgKeyStore::new(&args.database.open()?);
    let at = SystemClock.now();
    if !store.revoke(&args.key, at).await? {
        return Err(unknown(&args.key).into());
    }
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", json!({ "keyId": args.key.as_str(), "revokedAt": told(at)? }))?;
    } else {
        writeln!(stdout, "revoked {}", args.key)?;
    }
    Ok(ExitCode::SUCCESS)
}
