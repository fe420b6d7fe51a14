//! `sslmode` on a server with a self-signed certificate.

use dockline::PortErrorKind;
use dockline::ports::KeyStore;
use dockline_postgres::{Database, PgKeyStore, Pool, open_pool};

use crate::fixtures::key;
use crate::test_schema::{session, unused, url};

/// Returns the URL with these options instead of its own.
fn url_of(options: &str) -> String {
    let url = url();
    let address = url.split_once('?').map_or(url.as_str(), |(address, _)| address);
    format!("{address}?{options}")
}

fn pool_of(options: &str) -> Pool {
    open_pool(&url_of(options).into(), 1).unwrap()
}

async fn is_encrypted(pool: Pool) -> bool {
    let client = pool.get().await.unwrap();
    let row = client.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await;
    row.unwrap().get(0)
}

#[tokio::test]
async fn sslmode_decides_whether_the_connection_is_encrypted() {
    let on: String = session().await.query_one("SHOW ssl", &[]).await.unwrap().get(0);
    assert_eq!(
        on, "on",
        "this test needs a server with a certificate: `cargo xtask test` without DATABASE_URL"
    );
    for (options, encrypted) in
        [("sslmode=disable", false), ("sslmode=prefer", true), ("", true), ("sslmode=require", true)]
    {
        assert_eq!(is_encrypted(pool_of(options)).await, encrypted, "{options}");
    }
}

#[tokio::test]
async fn verifying_modes_accept_only_certificates_of_their_authorities() {
    let certificate = "SELECT pg_read_file(current_setting('ssl_cert_file'))";
    let certificate: String = session().await.query_one(certificate, &[]).await.unwrap().get(0);
    let (_guard, name) = unused();
    let file = std::env::temp_dir().join(format!("dockline-authority-{name}.pem"));
    std::fs::write(&file, certificate).unwrap();
    let known = pool_of(&format!("sslmode=verify-full&sslrootcert={}", file.display()));
    std::fs::remove_file(&file).unwrap();
    assert!(is_encrypted(known).await);

    // The platform does not trust the server's own authority.
    for options in ["sslmode=verify-full", "sslmode=verify-ca"] {
        let keys = PgKeyStore::new(&Database::new(pool_of(options)));
        let error = keys.find(&key("0123456789ABCDEF", "org_a").id).await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Rejected, "{options}");
    }
}
