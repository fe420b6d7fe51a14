//! Facts about the server.

use std::time::Duration;

use crate::test_schema::session;
use crate::{pgbouncer, test_database};

#[tokio::test]
async fn a_probe_returns_the_servers_settings_and_a_round_trip() {
    let (_guard, database) = test_database::database_of(1).await;
    let facts = database.probe().await.unwrap();
    let row = session()
        .await
        .query_one("SELECT current_setting('server_version'), current_setting('max_connections')", &[])
        .await
        .unwrap();
    assert_eq!(facts.version, row.get::<_, String>(0));
    assert_eq!(facts.max_connections.to_string(), row.get::<_, String>(1));
    // `DATABASE_URL` of `cargo xtask` has `sslmode=disable`; another one may encrypt.
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let client = database.pool().get().await.unwrap();
    assert_eq!(facts.encrypted, Some(client.query_one(encrypted, &[]).await.unwrap().get(0)));
    assert!(facts.round_trip > Duration::ZERO);
    assert_eq!((facts.encoding.as_str(), facts.pooled), ("UTF8", false));
    let (_pooled, behind) = pgbouncer::database().await;
    assert!(behind.probe().await.unwrap().pooled);
}
