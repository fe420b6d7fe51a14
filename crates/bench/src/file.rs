//! Loads the tenants of the load into the file of `dockline serve`.

use std::path::Path;
use std::time::Duration;

use dockline_bench::Tenant;
use rusqlite::{Connection, params};

use crate::Result;
use crate::data::VISITOR;

/// Microseconds since 1970 of the expiry of states: never during a run.
const FAR: i64 = 4_070_908_800_000_000;

/// The server may write meanwhile.
const BUSY: Duration = Duration::from_secs(10);

const KEY: &str = "INSERT INTO api_keys (id, environment, secret_hash, organization, organization_name, name, scopes, tier, \
    reads_per_minute, writes_per_minute, writes_per_day, return_hosts, created_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, 'bench', ?6, ?7, ?8, ?9, ?10, '[]', 0)";

const STATE: &str = "INSERT INTO install_states (app, digest, organization, organization_name, actor, return_url, issued_at, \
    expires_at, revoked, installation_id, account_id, proof, visitor, membership) \
    VALUES (1, ?1, ?2, 'Bench', 'bench', 'https://app.example.com/done', 0, ?3, 0, ?4, ?4, 'administered', ?5, \
    'administrator')";

/// Loads tenants with keys and live states, but without bindings, in one transaction.
pub(crate) fn load_fresh(file: &Path, tenants: impl Iterator<Item = Tenant>) -> Result<()> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    let transaction = connection.transaction()?;
    {
        let (mut key, mut state) = (transaction.prepare(KEY)?, transaction.prepare(STATE)?);
        for tenant in tenants {
            let record = tenant.key_record()?;
            let scopes: Vec<&str> = record.scopes.iter().map(dockline::Scope::as_str).collect();
            key.execute(params![
                record.id.as_str(),
                record.environment.as_str(),
                record.secret_hash.as_bytes(),
                record.organization.as_str(),
                record.organization_name.as_str(),
                serde_json::to_string(&scopes)?,
                record.tier.name,
                record.tier.reads_per_minute,
                record.tier.writes_per_minute,
                record.tier.writes_per_day,
            ])?;
            // SQLite's integers have a sign.
            let (installation, visitor) = (i64::try_from(tenant.installation())?, i64::try_from(VISITOR)?);
            state.execute(params![
                tenant.state_digest().as_bytes(),
                tenant.organization(),
                FAR,
                installation,
                visitor
            ])?;
        }
    }
    transaction.commit().map_err(Into::into)
}
