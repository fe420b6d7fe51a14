//! An API key, as `dockline keys create` makes it.

use dockline::ports::OsEntropy;
use dockline::{ApiKey, ExposeSecret, KeyEnvironment, KeyRecord, Scope, Tier};

use super::simulation::Result;

/// Returns a key to store, and the value of `Authorization`.
pub(crate) fn new(organization: &str, organization_name: &str) -> Result<(KeyRecord, String)> {
    let key = ApiKey::mint(KeyEnvironment::Live, &OsEntropy)?;
    let record = KeyRecord {
        id: key.id().clone(),
        environment: key.environment(),
        secret_hash: key.secret_hash(),
        organization: organization.parse()?,
        organization_name: organization_name.parse()?,
        scopes: vec![Scope::GithubAdmin],
        tier: Tier::standard(),
        return_hosts: vec!["localhost".to_owned()],
        revoked_at: None,
        expires_at: None,
    };
    Ok((record, format!("Bearer {}", key.expose().expose_secret())))
}
