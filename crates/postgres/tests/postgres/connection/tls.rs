//! `sslmode` on a server with a self-signed certificate.

use dockline::PortErrorKind;
use dockline::ports::KeyStore;
use dockline_postgres::{Database, PgKeyStore, Pool, open_pool};

use crate::cluster::Cluster;
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
    for options in ["sslmode=verify-full", "sslmode=verify-ca", "sslrootcert=system"] {
        let keys = PgKeyStore::new(&Database::new(pool_of(options)));
        let error = keys.find(&key("0123456789ABCDEF", "org_a").id).await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Rejected, "{options}");
    }
}

/// `verify-ca` ignores the name, and the server asks for the client's certificate.
#[tokio::test]
async fn authorities_without_names_and_client_certificates_work_as_in_libpq() {
    let cluster = Cluster::with_client_certificates();
    let file = |name: &str| cluster.folder.join(name).display().to_string();
    let (authority, certificate, key_file) = (file("ca.crt"), file("dockline.crt"), file("dockline.key"));
    let client = format!("sslcert={certificate}&sslkey={key_file}");
    let open = |options: &str| open_pool(&cluster.url(options).into(), 1).unwrap();
    for options in
        [format!("sslmode=verify-ca&sslrootcert={authority}&{client}"), format!("sslmode=require&{client}")]
    {
        assert!(is_encrypted(open(&options)).await, "{options}");
    }
    for (options, reason) in [
        (format!("sslmode=verify-full&sslrootcert={authority}&{client}"), "not valid for name"),
        (format!("sslmode=verify-ca&sslrootcert={certificate}&{client}"), "UnknownIssuer"),
        (format!("sslmode=verify-ca&sslrootcert={authority}"), "certificate"),
    ] {
        let keys = PgKeyStore::new(&Database::new(open(&options)));
        let error = keys.find(&key("0123456789ABCDEF", "org_a").id).await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Rejected, "{options}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(reason), "{options}: {cause}");
    }
}
