use std::error::Error;
use std::process::ExitCode;

use clap::Args;
use dockline::ports::{Clock, OsEntropy, SystemClock};
use dockline::{ApiKey, KeyId, Rotation, RotationTerms, Unrotatable};
use dockline_postgres::{KeyEntry, PgKeyStore};
use serde_json::Value;

use super::life::Life;
use super::told::{described, show, told};
use super::{key_id, unknown};
use crate::database::DatabaseArgs;
use crate::period::Period;

/// Options of `dockline keys rotate`.
#[derive(Debug, Clone, Args)]
pub struct RotateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The public part of the key that is to be replaced: what stands between the second and the third underscore.
    #[arg(value_name = "KEY_ID", value_parser = key_id)]
    key: KeyId,
    /// How long the old key still works, such as 24h; 0 refuses it at once. A key that expires earlier does.
    #[arg(long, value_name = "PERIOD", default_value = "24h")]
    grace: Period,
    #[command(flatten)]
    life: Life,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: RotateArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let now = SystemClock.now();
    let given = args.life.end(now)?;
    let store = PgKeyStore::new(&args.database.open()?);
    let old = store.entry(&args.key).await?.ok_or_else(|| unknown(&args.key))?;
    // Where the old key expires, the fresh one gets as long a life.
    let inherited = old.record.expires_at.map(|expires_at| now + (expires_at - old.created_at));
    let terms = RotationTerms { old_expires_at: now + args.grace.0, expires_at: given.or(inherited) };
    let fresh = ApiKey::mint(old.record.environment, &OsEntropy)?;
    let (record, old_expires_at) = match store.rotate(&args.key, &fresh, &terms, now).await? {
        Rotation::Rotated { fresh, old_expires_at } => (*fresh, old_expires_at),
        Rotation::Refused(reason) => return Err(mend(&args.key, &reason).into()),
    };
    let note = format!(
        "This key is not shown again. Key id: {}. The old key {} is refused from {} on.",
        record.id,
        args.key,
        told(old_expires_at)?
    );
    let entry = KeyEntry {
        record,
        name: old.name,
        created_at: now,
        last_used_at: None,
        replaced_by: None,
        rotated_from: Some(args.key),
    };
    let object = args.json.then(|| described(&entry)).transpose()?;
    let old_expires_at = told(old_expires_at)?;
    let object = object.map(|mut object| {
        object.insert("oldExpiresAt".to_owned(), Value::from(old_expires_at));
        object
    });
    show(&fresh, &note, object)?;
    Ok(ExitCode::SUCCESS)
}

/// What to do instead.
fn mend(key: &KeyId, reason: &Unrotatable) -> String {
    match reason {
        Unrotatable::Unknown => unknown(key),
        Unrotatable::Revoked => {
            format!("{key} is revoked, which a fresh key must not undo; make one: dockline keys create")
        }
        Unrotatable::Expired => format!("{key} has expired; make a new one: dockline keys create"),
        Unrotatable::Replaced(successor) => {
            format!(
                "{key} was already replaced by {successor}; rotate that one: dockline keys rotate {successor}"
            )
        }
        Unrotatable::OtherEnvironment => {
            format!("{key} changed its environment meanwhile; repeat the command")
        }
    }
}
