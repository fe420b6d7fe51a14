use std::error::Error;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use dockline::ports::{Clock, OsEntropy, SystemClock};
use dockline::{ApiKey, KeyEntry, KeyEnvironment, KeyRecord, OrganizationId, OrganizationName, Scope};

use super::expiry::ExpiryArgs;
use super::organization;
use super::output::{key_json, print_key};
use super::tier::TierArgs;
use crate::database::DatabaseArgs;

/// Options of `dockline keys create`.
#[derive(Debug, Clone, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Id of the organization in your product: 1 to 128 printable ASCII characters.
    #[arg(long, value_name = "ID", value_parser = organization)]
    organization: OrganizationId,
    /// Display name of the organization, shown on the confirmation page: 1 to 100 visible characters.
    #[arg(long, value_name = "NAME")]
    name: OrganizationName,
    /// Scope of the key, such as github:admin. Can be repeated.
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<String>,
    #[command(flatten)]
    tier: TierArgs,
    #[command(flatten)]
    expiry: ExpiryArgs,
    /// Exact host that is allowed in returnUrl. Can be repeated.
    #[arg(long = "return-domain", value_name = "HOST")]
    return_domains: Vec<String>,
    /// Environment of the key.
    #[arg(long, value_enum, default_value_t)]
    env: Environment,
    /// Label for operators.
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Environment {
    #[default]
    Live,
    Test,
}

pub(super) async fn run(args: CreateArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let created_at = SystemClock.now();
    let (tier, expires_at) = (args.tier.tier()?, args.expiry.expires_at(created_at)?);
    let store = args.database.open().await?.keys();
    let environment = match args.env {
        Environment::Live => KeyEnvironment::Live,
        Environment::Test => KeyEnvironment::Test,
    };
    let key = ApiKey::mint(environment, &OsEntropy)?;
    let record = KeyRecord {
        id: key.id().clone(),
        environment,
        secret_hash: key.secret_hash(),
        organization: args.organization,
        organization_name: args.name,
        scopes: args.scopes.iter().map(|scope| Scope::parse(scope)).collect(),
        tier,
        return_hosts: args.return_domains,
        revoked_at: None,
        expires_at,
    };
    if !store.insert(&record, &args.label, created_at).await? {
        return Err("the generated key id exists already: run the command again".into());
    }
    let note = format!("This key is not shown again. Key id: {}", record.id);
    let entry = KeyEntry {
        record,
        name: args.label,
        created_at,
        last_used_at: None,
        replaced_by: None,
        rotated_from: None,
    };
    print_key(&key, &note, args.json.then(|| key_json(&entry)).transpose()?)?;
    Ok(ExitCode::SUCCESS)
}
