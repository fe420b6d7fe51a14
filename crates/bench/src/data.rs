//! Loads the tenants of the load into the tables of Dockline and of the rival.

use std::ops::Range;

use data_encoding::HEXLOWER;
use dockline_bench::Tenant;

use crate::Result;
use crate::database::Database;

/// The expiry of states, and the next look at installations: never during a run.
const FAR: &str = "2099-01-01 00:00:00+00";

/// The account of the visitor who proved the claims.
pub(crate) const VISITOR: u64 = 77;

/// Tenants without a binding have higher numbers than all with one.
pub(crate) const FIRST_FRESH: u64 = 100_000_000;

/// Whose tables are filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Dockline's, in this schema, for the App with number 1. `dockline serve` has created them.
    Dockline { schema: String },
    /// The rival's.
    Rival,
}

impl Tables {
    fn schema(&self) -> &str {
        match self {
            Self::Dockline { schema } => schema,
            Self::Rival => "rival",
        }
    }
}

/// Loads tenants with keys and bindings, as if each had registered.
pub(crate) fn load_bound(database: &Database, tables: &Tables, number: u64) -> Result<()> {
    let tenants = || (0..number).map(Tenant);
    load_keys(database, tables, tenants())?;
    match tables {
        Tables::Dockline { schema } => {
            let installations = format!(
                "{schema}.installations (app, installation_id, organization, account_id, account_login, account_kind, \
                 status, verified_at, observed_at, next_look_at, generation)"
            );
            database.copy(&installations, tenants().map(dockline_installation))?;
            let bindings = format!(
                "{schema}.bindings (app, organization, spent, installation_id, proof, proven_by, registered_at, actor)"
            );
            database.copy(&bindings, tenants().map(|tenant| Ok(dockline_binding(tenant))))?;
        }
        Tables::Rival => {
            let bindings = "rival.bindings (organization, installation_id, account_id, account_login, account_kind, \
                registered_at)";
            database.copy(bindings, tenants().map(rival_binding))?;
        }
    }
    let schema = tables.schema();
    let installations = match tables {
        Tables::Dockline { .. } => format!(", {schema}.installations"),
        Tables::Rival => String::new(),
    };
    // Otherwise autovacuum does it during a measurement.
    database.query(&format!("VACUUM (ANALYZE) {schema}.api_keys, {schema}.bindings{installations}")).map(drop)
}

/// Loads `number` further tenants, which have keys and live states but no bindings, and returns them.
pub(crate) fn load_fresh(
    database: &Database,
    tables: &Tables,
    next: &mut u64,
    number: u64,
) -> Result<Range<u64>> {
    let first = FIRST_FRESH + *next;
    *next += number;
    let tenants = || (first..first + number).map(Tenant);
    load_keys(database, tables, tenants())?;
    match tables {
        Tables::Dockline { schema } => {
            let states = format!(
                "{schema}.install_states (app, digest, organization, organization_name, actor, return_url, issued_at, \
                 expires_at, discarded, tie_installation, tie_account, tie_proof, tie_visitor, tie_membership)"
            );
            database.copy(&states, tenants().map(|tenant| Ok(dockline_state(tenant))))?;
        }
        Tables::Rival => {
            let states = "rival.states (digest, organization, installation_id, expires_at)";
            database.copy(states, tenants().map(|tenant| Ok(rival_state(tenant))))?;
        }
    }
    Ok(first..first + number)
}

fn load_keys(database: &Database, tables: &Tables, tenants: impl Iterator<Item = Tenant>) -> Result<()> {
    match tables {
        Tables::Dockline { schema } => {
            let keys = format!(
                "{schema}.api_keys (id, environment, secret_hash, organization, organization_name, name, scopes, tier, \
                 reads_per_minute, writes_per_minute, writes_per_day, allowed_return_domains, created_at)"
            );
            database.copy(&keys, tenants.map(dockline_key))
        }
        Tables::Rival => {
            database.copy("rival.api_keys (id, secret_hash, organization)", tenants.map(rival_key))
        }
    }
}

/// Spells bytes for a column of COPY, in which the backslash is escaped.
fn bytes(bytes: &[u8]) -> String {
    format!(r"\\x{}", HEXLOWER.encode(bytes))
}

fn dockline_key(tenant: Tenant) -> Result<String> {
    let record = tenant.key_record()?;
    let scopes: Vec<&str> = record.scopes.iter().map(dockline::Scope::as_str).collect();
    Ok(format!(
        "{}\t{}\t{}\t{}\t{}\tbench\t{{{}}}\t{}\t{}\t{}\t{}\t{{}}\tnow",
        record.id,
        record.environment.as_str(),
        bytes(record.secret_hash.as_bytes()),
        record.organization,
        record.organization_name.as_str(),
        scopes.join(","),
        record.tier.name,
        record.tier.reads_per_minute,
        record.tier.writes_per_minute,
        record.tier.writes_per_day,
    ))
}

fn dockline_installation(tenant: Tenant) -> Result<String> {
    let account = tenant.account()?;
    Ok(format!(
        "1\t{}\t{}\t{}\t{}\t{}\tactive\tnow\tnow\t{FAR}\t1",
        tenant.installation(),
        tenant.organization(),
        account.id,
        account.login,
        account.kind.as_str(),
    ))
}

fn dockline_binding(tenant: Tenant) -> String {
    format!(
        "1\t{}\t{}\t{}\tadministered\t{VISITOR}\tnow\tbench",
        tenant.organization(),
        bytes(tenant.state_digest().as_bytes()),
        tenant.installation(),
    )
}

fn dockline_state(tenant: Tenant) -> String {
    let installation = tenant.installation();
    format!(
        "1\t{}\t{}\tBench\tbench\thttps://app.example.com/done\tnow\t{FAR}\tf\t{installation}\t{installation}\t\
         administered\t{VISITOR}\tadministrator",
        bytes(tenant.state_digest().as_bytes()),
        tenant.organization(),
    )
}

fn rival_key(tenant: Tenant) -> Result<String> {
    let record = tenant.key_record()?;
    Ok(format!("{}\t{}\t{}", record.id, bytes(record.secret_hash.as_bytes()), record.organization))
}

fn rival_binding(tenant: Tenant) -> Result<String> {
    let account = tenant.account()?;
    let (organization, installation) = (tenant.organization(), tenant.installation());
    Ok(format!(
        "{organization}\t{installation}\t{}\t{}\t{}\tnow",
        account.id,
        account.login,
        account.kind.as_str()
    ))
}

fn rival_state(tenant: Tenant) -> String {
    format!(
        "{}\t{}\t{}\t{FAR}",
        bytes(tenant.state_digest().as_bytes()),
        tenant.organization(),
        tenant.installation()
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dockline::ports::{Clock, Entropy, OsEntropy, SystemClock};
    use dockline::{
        BudgetClass, ClaimPolicy, Dockline, ExposeSecret, Ports, Proof, Registered, RegistrationRequest,
        Scope,
    };
    use dockline_bench::{APP, OfflineGithub};
    use dockline_postgres::{
        Database as PgDatabase, Migrator, PgApps, PgBindingRepo, PgKeyStore, PgRateLimiter, PgStateStore,
        Schema, open_pool,
    };

    use super::*;

    async fn dockline(database: &Database, schema: &str) -> Dockline {
        let pool = open_pool(&database.url().into(), 2).unwrap();
        let opened = PgDatabase::new(pool.clone()).with_schema(Schema::new(schema.to_owned()).unwrap());
        Migrator::new(pool, opened.schema().clone()).run().await.unwrap();
        let github = Arc::new(OfflineGithub::new(APP.try_into().unwrap()));
        let app =
            PgApps::new(&opened).open("http://github.example", &*github, SystemClock.now()).await.unwrap();
        let ports = Ports {
            states: Arc::new(PgStateStore::new(&app)),
            bindings: Arc::new(PgBindingRepo::new(&app)),
            github,
        };
        let builder = Dockline::builder(ports).with_policy(ClaimPolicy::State);
        let builder = builder.with_api_keys(Arc::new(PgKeyStore::new(&opened)));
        builder.with_rate_limiter(Arc::new(PgRateLimiter::new(&opened))).build().unwrap()
    }

    async fn registered(dockline: &Dockline, tenant: Tenant) -> Registered {
        let key = tenant.key().unwrap().expose();
        let scope = Some(&Scope::GithubAdmin);
        let authenticated =
            dockline.authenticate(key.expose_secret(), scope, BudgetClass::Write).await.unwrap();
        let request = RegistrationRequest::parse(tenant.body().as_bytes()).unwrap();
        dockline.register(&authenticated.caller, &request).await.unwrap()
    }

    #[tokio::test]
    async fn loaded_tenants_are_bound_and_fresh_ones_can_register() {
        let database =
            Database::from_environment().expect("this test needs a PostgreSQL: run `cargo xtask test`");
        let mut random = [0; 8];
        OsEntropy.fill(&mut random).unwrap();
        let schema = format!("bench_{}", HEXLOWER.encode(&random));
        let dockline = dockline(&database, &schema).await;
        let tables = Tables::Dockline { schema: schema.clone() };
        load_bound(&database, &tables, 3).unwrap();
        let mut next = 0;
        let first = load_fresh(&database, &tables, &mut next, 2).unwrap();
        let second = load_fresh(&database, &tables, &mut next, 1).unwrap();
        assert_eq!((first.end, second.end - second.start), (second.start, 1));
        for tenant in 0..3 {
            assert!(matches!(registered(&dockline, Tenant(tenant)).await, Registered::Replayed(_)));
        }
        for tenant in first.chain(second) {
            let Registered::Created(binding) = registered(&dockline, Tenant(tenant)).await else {
                panic!("{tenant} was bound already");
            };
            assert_eq!(binding.account, Tenant(tenant).account().unwrap());
            assert_eq!(binding.proof, Proof::Administered);
        }
        database.query(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
    }

    #[test]
    fn the_rivals_tables_can_be_loaded() {
        let database =
            Database::from_environment().expect("this test needs a PostgreSQL: run `cargo xtask test`");
        database.query(include_str!("../rival/schema.sql")).unwrap();
        load_bound(&database, &Tables::Rival, 3).unwrap();
        load_fresh(&database, &Tables::Rival, &mut 0, 2).unwrap();
        let counts = "SELECT (SELECT count(*) FROM rival.api_keys), (SELECT count(*) FROM rival.bindings), \
            (SELECT count(*) FROM rival.states)";
        assert_eq!(database.query(counts).unwrap(), "5|3|2");
        assert!(database.query("SELECT wrong").is_err());
        database.query("DROP SCHEMA rival CASCADE").unwrap();
    }

    #[test]
    fn bytes_are_escaped_for_copy() {
        assert_eq!(bytes(&[0, 255]), r"\\x00ff");
    }
}
