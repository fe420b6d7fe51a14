//! A schema of a test's own, gone when the test is over.

use dockline::ports::{Entropy, OsEntropy};
use dockline_postgres::Schema;
use dockline_postgres::tokio_postgres::{self, Client, NoTls};

/// What keeps a schema. Dropping it drops the schema, as far as the server lets it.
#[derive(Debug)]
pub(crate) struct Fresh(Schema);

pub(crate) fn url() -> String {
    std::env::var("DATABASE_URL")
        .expect("these tests need a PostgreSQL in DATABASE_URL: run `cargo xtask test`, which starts one")
}

/// The URL with one more option.
pub(crate) fn url_with(option: &str) -> String {
    let url = url();
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{option}")
}

/// A name that no other test has; the schema is not there yet.
pub(crate) fn name() -> (Fresh, Schema) {
    let mut bytes = [0_u8; 8];
    OsEntropy.fill(&mut bytes).unwrap();
    let schema = Schema::new(format!("test_{:016x}", u64::from_be_bytes(bytes))).unwrap();
    (Fresh(schema.clone()), schema)
}

/// A connection of the test's own: the other side of a race, or who looks on.
pub(crate) async fn session() -> Client {
    let (client, connection) = tokio_postgres::connect(&url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A session whose statements see the schema's tables by their bare names.
pub(crate) async fn session_in(schema: &Schema) -> Client {
    let client = session().await;
    client.batch_execute(&format!("SET search_path TO {schema}")).await.unwrap();
    client
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let drop_schema = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.0);
        // The test's own runtime may be the one that is ending, or panicking.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let session = session().await;
                // A transaction that a failed test left open must not keep us.
                session.batch_execute("SET lock_timeout = '5s'").await.ok();
                session.batch_execute(&drop_schema).await.ok();
            });
            Ok::<_, std::io::Error>(())
        });
        dropped.join().ok();
    }
}
