//! A separate schema per test, with direct queries.

use std::fmt::Write;

use dockline::ports::{Clock, Entropy, KeyAdmin, OsEntropy, SystemClock};
use dockline::{ApiKey, KeyEnvironment, KeyRecord, OrganizationId, Scope, Tier};
use dockline_postgres::tokio_postgres::Row;
use dockline_postgres::{Database, Migrator, PgKeyStore, Schema, open_pool};
use secrecy::SecretString;

/// A schema that is dropped with the test.
pub(crate) struct TestSchema {
    pub(crate) url: SecretString,
    pub(crate) name: String,
}

impl TestSchema {
    /// Creates a schema in the database of the test command.
    pub(crate) fn new() -> Self {
        let url = std::env::var("DATABASE_URL");
        Self::of(url.expect("these tests need a PostgreSQL in DATABASE_URL: run `cargo xtask test`").into())
    }

    pub(crate) fn of(url: SecretString) -> Self {
        let mut random = [0_u8; 8];
        OsEntropy.fill(&mut random).unwrap();
        let mut name = "test_".to_owned();
        for byte in random {
            write!(name, "{byte:02x}").unwrap();
        }
        Self { url, name }
    }

    pub(crate) fn database(&self) -> Database {
        let pool = open_pool(&self.url, 8).unwrap();
        Database::new(pool).with_schema(Schema::new(&*self.name).unwrap())
    }

    pub(crate) async fn migrated() -> Self {
        let schema = Self::new();
        schema.migrate().await;
        schema
    }

    pub(crate) async fn migrate(&self) {
        let database = self.database();
        Migrator::new(database.pool().clone(), database.schema().clone()).run().await.unwrap();
    }

    /// Creates a key of `organization` with the largest budget.
    pub(crate) async fn key(&self, organization: &str) -> SecretString {
        self.key_of_tier(organization, Tier::partner()).await
    }

    /// Creates a key of `organization` with the budgets of `tier`.
    pub(crate) async fn key_of_tier(&self, organization: &str, tier: Tier) -> SecretString {
        let key = ApiKey::mint(KeyEnvironment::Live, &OsEntropy).unwrap();
        let record = KeyRecord {
            id: key.id().clone(),
            environment: KeyEnvironment::Live,
            secret_hash: key.secret_hash(),
            organization: OrganizationId::new(organization).unwrap(),
            organization_name: organization.parse().unwrap(),
            scopes: vec![Scope::GithubAdmin],
            tier,
            return_hosts: vec!["app.example.com".into()],
            revoked_at: None,
            expires_at: None,
        };
        assert!(PgKeyStore::new(&self.database()).insert(&record, "", SystemClock.now()).await.unwrap());
        key.expose()
    }

    /// Returns the number that a query returns. `$schema` is replaced by the schema.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        self.row(query).await.get(0)
    }

    /// Returns the text that a query returns.
    pub(crate) async fn text(&self, query: &str) -> String {
        self.row(query).await.get(0)
    }

    async fn row(&self, query: &str) -> Row {
        let client = self.database().pool().get().await.unwrap();
        client.query_one(&query.replace("$schema", &self.name), &[]).await.unwrap()
    }

    pub(crate) async fn execute(&self, statement: &str) {
        let database = self.database();
        let client = database.pool().get().await.unwrap();
        client.batch_execute(&statement.replace("$schema", &self.name)).await.unwrap();
    }
}

impl Drop for TestSchema {
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        // Drop cannot await, and the test's runtime may be shutting down.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let pool = open_pool(&url, 1)?;
                let client = pool.get().await?;
                client.batch_execute(&format!("drop schema if exists {name} cascade")).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })
        });
        drop(dropped.join());
    }
}
