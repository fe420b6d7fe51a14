//! `dockline keys`: makes, lists and revokes the product's API keys.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use dockline::ports::{Clock, OsEntropy, SystemClock};
use dockline::{ApiKey, KeyEnvironment, KeyId, KeyRecord, OrganizationId, Scope, Tier};
use dockline_postgres::{KeyEntry, PgKeyStore};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::database::DatabaseArgs;
use crate::logging;

/// What to do with keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it, once: only a hash of its secret is stored.
    Create(CreateArgs),
    /// List keys, revoked ones included. Secrets cannot be shown: they are not stored.
    List(ListArgs),
    /// Refuse a key from now on.
    Revoke(RevokeArgs),
}

/// Options of `dockline keys create`.
#[derive(Debug, Clone, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The organization's id in the product: 1 to 128 printable ASCII characters.
    #[arg(long, value_name = "ID", value_parser = organization)]
    organization: OrganizationId,
    /// What people call the organization: the confirmation page asks with it.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What the key may do, such as github:admin; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<String>,
    /// How much the key may do.
    #[arg(long, value_enum, default_value_t)]
    tier: TierName,
    /// A host that a returnUrl may name, exactly; may be given several times.
    #[arg(long = "return-domain", value_name = "HOST")]
    return_domains: Vec<String>,
    /// The key's world.
    #[arg(long, value_enum, default_value_t)]
    env: Environment,
    /// What operators call this key.
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Options of `dockline keys list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Only this organization's.
    #[arg(long, value_name = "ID", value_parser = organization)]
    organization: Option<OrganizationId>,
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

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

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum TierName {
    /// 120 reads and 60 writes a minute, 10,000 writes a day.
    #[default]
    Standard,
    /// 1,200 and 600, 100,000.
    Pilot,
    /// 6,000 and 3,000, 500,000.
    Partner,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Environment {
    #[default]
    Live,
    Test,
}

fn organization(text: &str) -> Result<OrganizationId, dockline::InvalidOrganizationId> {
    OrganizationId::new(text)
}

fn key_id(text: &str) -> Result<KeyId, &'static str> {
    KeyId::parse(text).map_err(|_| "a key id has 14 to 18 characters of 0-9 A-Z without I, L, O and U")
}

/// Does what was asked for.
///
/// # Errors
/// Where the database cannot be reached or has no tables yet.
pub async fn run(command: KeysCommand) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start(logging::Verbosity::Running);
    match command {
        KeysCommand::Create(args) => create(args).await,
        KeysCommand::List(args) => list(args).await,
        KeysCommand::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: CreateArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let store = PgKeyStore::new(&args.database.open()?);
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
        tier: match args.tier {
            TierName::Standard => Tier::standard(),
            TierName::Pilot => Tier::pilot(),
            TierName::Partner => Tier::partner(),
        },
        allowed_return_domains: args.return_domains,
        revoked_at: None,
        expires_at: None,
    };
    let created_at = SystemClock.now();
    if !store.insert(&record, &args.label, created_at).await? {
        return Err("the fresh key id is taken, which is next to impossible: repeat the command".into());
    }
    let shown = key.expose();
    let mut stdout = io::stdout().lock();
    if args.json {
        let entry = KeyEntry { record, name: args.label, created_at };
        let mut object = described(&entry)?;
        object.insert("apiKey".to_owned(), Value::from(shown.expose_secret()));
        writeln!(stdout, "{}", Value::from(object))?;
    } else {
        writeln!(stdout, "{}", shown.expose_secret())?;
        writeln!(io::stderr(), "This key is not shown again. Key id: {}", record.id)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(args: ListArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let store = PgKeyStore::new(&args.database.open()?);
    let entries = store.list(args.organization.as_ref()).await?;
    let mut stdout = io::stdout().lock();
    if args.json {
        let objects =
            entries.iter().map(|entry| described(entry).map(Value::from)).collect::<Result<Vec<_>, _>>()?;
        writeln!(stdout, "{}", Value::from(objects))?;
        return Ok(ExitCode::SUCCESS);
    }
    for entry in &entries {
        let record = &entry.record;
        let scopes: Vec<_> = record.scopes.iter().map(Scope::as_str).collect();
        let revoked = record.revoked_at.map(|at| at.format(&Rfc3339)).transpose()?;
        let state = revoked.map_or_else(|| "in force".to_owned(), |at| format!("revoked {at}"));
        writeln!(
            stdout,
            "{}  {}  {} ({})  {}  {}  {state}  {}",
            record.id,
            record.environment.as_str(),
            record.organization,
            record.organization_name,
            scopes.join(","),
            record.tier.name,
            entry.name,
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn revoke(args: RevokeArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let store = PgKeyStore::new(&args.database.open()?);
    let at = SystemClock.now();
    if !store.revoke(&args.key, at).await? {
        return Err(
            format!("there is no key {}; dockline keys list names those that there are", args.key).into()
        );
    }
    let mut stdout = io::stdout().lock();
    if args.json {
        let revoked_at = at.format(&Rfc3339)?;
        writeln!(stdout, "{}", json!({ "keyId": args.key.as_str(), "revokedAt": revoked_at }))?;
    } else {
        writeln!(stdout, "revoked {}", args.key)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything of a key that may be shown more than once.
fn described(entry: &KeyEntry) -> Result<Map<String, Value>, time::error::Format> {
    let record = &entry.record;
    let time = |at: OffsetDateTime| at.format(&Rfc3339).map(Value::from);
    let fields = [
        ("keyId", json!(record.id.as_str())),
        ("env", json!(record.environment.as_str())),
        ("organizationId", json!(record.organization.as_str())),
        ("organizationName", json!(record.organization_name)),
        ("scopes", json!(record.scopes.iter().map(Scope::as_str).collect::<Vec<_>>())),
        ("tier", json!(record.tier.name)),
        ("returnDomains", json!(record.allowed_return_domains)),
        ("label", json!(entry.name)),
        ("createdAt", time(entry.created_at)?),
        ("revokedAt", record.revoked_at.map(time).transpose()?.unwrap_or(Value::Null)),
    ];
    Ok(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
