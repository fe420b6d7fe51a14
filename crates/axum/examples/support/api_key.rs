//! An API key, as `dockline keys create` makes it, for `--check`.

use dockline::ports::{Clock, OsEntropy, SystemClock};
use dockline::{ApiKey, ExposeSecret, KeyEnvironment, KeyRecord, OrganizationId, Scope, Tier};
use dockline_postgres::{Database, PgKeyStore};

use super::simulation::Result;

/// Creates a key of an organization of its own, and returns the value of `Authorization`.
pub(crate) async fn create(database: &Database) -> Result<String> {
    let key = ApiKey::mint(KeyEnvironment::Live, &OsEntropy)?;
    let record = KeyRecord {
        id: key.id().clone(),
        environment: key.environment(),
        secret_hash: key.secret_hash(),
        organization: OrganizationId::new(format!("org_{}", key.id().as_str().to_lowercase()))?,
        organization_name: "Acme Coffee".parse()?,
        scopes: vec![Scope::GithubAdmin],
        tier: Tier::standard(),
        return_hosts: vec!["localhost".to_owned()],
        revoked_at: None,
        expires_at: None,
    };
    let inserted = PgKeyStore::new(database).insert(&record, "example", SystemClock.now()).await?;
    if !inserted {
        return Err("the key exists".into());
    }
    Ok(format!("Bearer {}", key.expose().expose_secret()))
}
