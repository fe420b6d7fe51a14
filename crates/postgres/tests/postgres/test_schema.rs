//! A schema per test, dropped when the test ends.

use dockline::ports::{Entropy, OsEntropy};
use dockline_postgres::Schema;
use dockline_postgres::tokio_postgres::{self, Client, NoTls};

/// Drops the schema when dropped.
#[derive(Debug)]
pub(crate) struct SchemaGuard(Schema);

pub(crate) fn url() -> String {
    std::env::var("DATABASE_URL")
        .expect("these tests need a PostgreSQL in DATABASE_URL: run `cargo xtask test`, which starts one")
}

/// Returns the URL with one more option.
pub(crate) fn url_with(option: &str) -> String {
    let url = url();
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{option}")
}

/// Returns a name that no other test uses. Does not create the schema.
pub(crate) fn unused() -> (SchemaGuard, Schema) {
    let mut bytes = [0_u8; 8];
    OsEntropy.fill(&mut bytes).unwrap();
    let schema = Schema::new(format!("test_{:016x}", u64::from_be_bytes(bytes))).unwrap();
    (SchemaGuard(schema.clone()), schema)
}

/// Opens a connection outside the pool, for the other side of a race or for inspection.
pub(crate) async fn session() -> Client {
    let (client, connection) = tokio_postgres::connect(&url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Opens a connection whose statements find the schema's tables without qualification.
pub(crate) async fn session_in(schema: &Schema) -> Client {
    let client = session().await;
    client.batch_execute(&format!("SET search_path TO {schema}")).await.unwrap();
    client
}

impl Drop for SchemaGuard {
    fn drop(&mut self) {
        let drop_schema = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.0);
        // A new thread, since the test's runtime may be shutting down.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let session = session().await;
                // A failed test may have left a transaction open.
                session.batch_execute("SET lock_timeout = '5s'").await.ok();
                session.batch_execute(&drop_schema).await.ok();
            });
            Ok::<_, std::io::Error>(())
        });
        dropped.join().ok();
    }
}
