use std::error::Error;
use std::process::ExitCode;

use clap::Args;
use dockline::ports::{Clock, OsEntropy, SystemClock};
use dockline::{ApiKey, KeyEntry, KeyId, Rotation, RotationTerms, Unrotatable};
use serde_json::Value;

use super::expiry::ExpiryArgs;
use super::output::{key_json, print_key, rfc3339};
use super::{key_id, unknown_key};
use crate::config::DurationArg;
use crate::database::DatabaseArgs;

/// Options of `dockline keys rotate`.
#[derive(Debug, Clone, Args)]
pub struct RotateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Id of the key to replace: the part between its second and third underscore.
    #[arg(value_name = "KEY_ID", value_parser = key_id)]
    key: KeyId,
    /// Time for which the old key remains valid, such as 24h; 0 revokes it at once. It is never extended.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    grace: DurationArg,
    #[command(flatten)]
    expiry: ExpiryArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: RotateArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let now = SystemClock.now();
    let given = args.expiry.expires_at(now)?;
    let store = args.database.open().await?.keys();
    let old = store.entry(&args.key).await?.ok_or_else(|| unknown_key(&args.key))?;
    // By default the new key has the lifetime of the old one.
    let inherited = old.record.expires_at.map(|expires_at| now + (expires_at - old.created_at));
    let terms = RotationTerms { old_expires_at: now + args.grace.0, expires_at: given.or(inherited) };
    let fresh = ApiKey::mint(old.record.environment, &OsEntropy)?;
    let (record, old_expires_at) = match store.rotate(&args.key, &fresh, &terms, now).await? {
        Rotation::Rotated { fresh, old_expires_at } => (*fresh, old_expires_at),
        Rotation::Refused(reason) => return Err(help(&args.key, &reason).into()),
    };
    let note = format!(
        "This key is not shown again. Key id: {}. The old key {} expires at {}.",
        record.id,
        args.key,
        rfc3339(old_expires_at)?
    );
    let entry = KeyEntry {
        record,
        name: old.name,
        created_at: now,
        last_used_at: None,
        replaced_by: None,
        rotated_from: Some(args.key),
    };
    let object = args.json.then(|| key_json(&entry)).transpose()?;
    let old_expires_at = rfc3339(old_expires_at)?;
    let object = object.map(|mut object| {
        object.insert("oldExpiresAt".to_owned(), Value::from(old_expires_at));
        object
    });
    print_key(&fresh, &note, object)?;
    Ok(ExitCode::SUCCESS)
}

fn help(key: &KeyId, reason: &Unrotatable) -> String {
    match reason {
        Unrotatable::Unknown => unknown_key(key),
        Unrotatable::Revoked => {
            format!("{key} is revoked, so it cannot be rotated; create a key with dockline keys create")
        }
        Unrotatable::Expired => format!("{key} has expired; create a key with dockline keys create"),
        Unrotatable::Replaced(successor) => {
            format!("{key} is already replaced by {successor}; run dockline keys rotate {successor}")
        }
        Unrotatable::OtherEnvironment => {
            format!("the environment of {key} changed meanwhile; run the command again")
        }
    }
}
