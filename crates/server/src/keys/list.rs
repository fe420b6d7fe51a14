use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::ports::{Clock, SystemClock};
use dockline::{KeyEntry, KeyId, OrganizationId, Scope};
use serde_json::Value;
use time::OffsetDateTime;

use super::organization;
use super::output::key_json;
use crate::database::DatabaseArgs;
use crate::terminal::{self, minute, visible};

const HEADINGS: [&str; 10] = [
    "KEY ID",
    "ENV",
    "ORGANIZATION",
    "SCOPES",
    "TIER",
    "STATE",
    "EXPIRES",
    "LAST USED",
    "REPLACED BY",
    "LABEL",
];

/// Options of `dockline keys list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// List only the keys of this organization.
    #[arg(long, value_name = "ID", value_parser = organization)]
    organization: Option<OrganizationId>,
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: ListArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let store = args.database.open().await?.keys();
    let entries = store.list(args.organization).await?;
    let mut stdout = io::stdout().lock();
    if args.json {
        let objects =
            entries.iter().map(|entry| key_json(entry).map(Value::from)).collect::<Result<Vec<_>, _>>()?;
        writeln!(stdout, "{}", Value::from(objects))?;
    } else {
        write!(stdout, "{}", table(&entries, SystemClock.now()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a table with a line per key.
fn table(entries: &[KeyEntry], now: OffsetDateTime) -> String {
    terminal::table(HEADINGS, entries.iter().map(|entry| cells(entry, now)))
}

fn cells(entry: &KeyEntry, now: OffsetDateTime) -> [String; HEADINGS.len()] {
    let record = &entry.record;
    let scopes: Vec<_> = record.scopes.iter().map(Scope::as_str).collect();
    let expired = |at: Option<OffsetDateTime>| at.is_some_and(|at| at <= now);
    let state = match record.revoked_at {
        Some(at) => format!("revoked {}", minute(at)),
        None if expired(record.expires_at) => "expired".to_owned(),
        None => "active".to_owned(),
    };
    [
        record.id.to_string(),
        record.environment.as_str().to_owned(),
        visible(&format!("{} ({})", record.organization, record.organization_name)),
        visible(&scopes.join(",")),
        visible(&record.tier.name),
        state,
        record.expires_at.map_or_else(|| "never".to_owned(), minute),
        entry.last_used_at.map_or_else(|| "never".to_owned(), minute),
        entry.replaced_by.as_ref().map_or_else(|| "-".to_owned(), KeyId::to_string),
        visible(&entry.name),
    ]
}

#[cfg(test)]
mod tests {
    use dockline::ports::OsEntropy;
    use dockline::{ApiKey, KeyEnvironment, KeyRecord, Tier};
    use time::Duration;

    use super::*;

    fn entry(name: &str) -> KeyEntry {
        let key = ApiKey::mint(KeyEnvironment::Live, &OsEntropy).unwrap();
        KeyEntry {
            record: KeyRecord {
                id: key.id().clone(),
                environment: key.environment(),
                secret_hash: key.secret_hash(),
                organization: OrganizationId::new("org_1").unwrap(),
                organization_name: "Acme".parse().unwrap(),
                scopes: vec![Scope::GithubAdmin],
                tier: Tier::standard(),
                return_hosts: vec![],
                revoked_at: None,
                expires_at: None,
            },
            name: name.to_owned(),
            created_at: OffsetDateTime::UNIX_EPOCH,
            last_used_at: None,
            replaced_by: None,
            rotated_from: None,
        }
    }

    #[test]
    fn columns_are_aligned_and_control_characters_escaped() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::DAY;
        let mut old = entry("b\x1b[2J\nc");
        let fresh = entry("");
        old.record.expires_at = Some(now);
        old.last_used_at = Some(now - Duration::HOUR);
        old.replaced_by = Some(fresh.record.id.clone());
        let mut revoked = entry("gone");
        revoked.record.revoked_at = Some(now);
        let table = table(&[old, fresh.clone(), revoked], now);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4, "{table}");
        let column = |line: usize, heading: &str| {
            let at = lines[0].find(heading).unwrap();
            lines[line].chars().skip(at).collect::<String>()
        };
        assert!(column(1, "STATE").starts_with("expired  "), "{table}");
        assert!(column(1, "EXPIRES").starts_with("1970-01-02 00:00Z  "), "{table}");
        assert!(column(1, "LAST USED").starts_with("1970-01-01 23:00Z  "), "{table}");
        assert!(column(1, "REPLACED BY").starts_with(fresh.record.id.as_str()), "{table}");
        assert_eq!(column(1, "LABEL"), "b\\u{1b}[2J\\nc", "{table}");
        assert!(column(2, "STATE").starts_with("active  "), "{table}");
        assert!(column(2, "EXPIRES").starts_with("never"), "{table}");
        assert!(column(3, "STATE").starts_with("revoked 1970-01-02 00:00Z  "), "{table}");
    }
}
