//! What the URL's `sslmode` does, on a server that has a certificate of its own making.

use dockline::PortErrorKind;
use dockline::ports::KeyStore;
use dockline_postgres::{Database, PgKeyStore, Pool, open_pool};

use crate::fixtures::key;
use crate::fresh::{self, session, url};

/// The URL, with these options in place of its own.
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
async fn the_mode_says_whether_it_is_encrypted() {
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
async fn a_certificate_is_checked_where_it_was_asked_for() {
    let certificate = "SELECT pg_read_file(current_setting('ssl_cert_file'))";
    let certificate: String = session().await.query_one(certificate, &[]).await.unwrap().get(0);
    let (_fresh, name) = fresh::name();
    let file = std::env::temp_dir().join(format!("dockline-authority-{name}.pem"));
    std::fs::write(&file, certificate).unwrap();
    let known = pool_of(&format!("sslmode=verify-full&sslrootcert={}", file.display()));
    std::fs::remove_file(&file).unwrap();
    assert!(is_encrypted(known).await);

    let error = PgKeyStore::new(&Database::new(pool_of("sslmode=verify-full")))
        .find(&key("0123456789ABCDEF", "org_a").id)
        .await;
    assert_eq!(error.unwrap_err().kind(), PortErrorKind::Rejected);
}
