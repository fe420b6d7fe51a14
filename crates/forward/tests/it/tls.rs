//! HTTPS with the machine's certificate authorities. The test server uses ring; with the feature `aws-lc-rs` alone, the
//! sender uses AWS-LC.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;

use dockline::ports::MessageSender;
use dockline::rules::outbox::AttemptOutcome;
use dockline_forward::Endpoint;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::receiver::{OK, message, sender};

/// The certificates of the tests of the gateway to GitHub.
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../github/tests/keys/tls");

/// Starts a receiver whose certificate is signed by a private authority, and returns its URL.
fn receiver() -> String {
    let pem = |file: &str| std::fs::read(format!("{KEYS}/{file}")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&pem("server.key.pem")).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let tls = Arc::new(tls);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((tcp, _)) = listener.accept() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&tls)).unwrap(), tcp);
            // A client that does not trust the certificate closes the connection, and so does a check.
            let mut request = [0; 16 << 10];
            if matches!(stream.read(&mut request), Ok(1..)) {
                assert!(request.starts_with(b"POST /hook HTTP/1.1"));
                stream.write_all(OK.as_bytes()).unwrap();
            }
        }
    });
    format!("https://localhost:{port}/hook")
}

#[tokio::test]
async fn certificate_of_an_unknown_authority_is_rejected_before_anything_is_sent() {
    let url = receiver();
    let sender = sender(&url);
    let AttemptOutcome::Failed { cause } = sender.send(message("{}")).await else { panic!("an answer") };
    assert!(cause.contains("certificate"), "{cause}");
    let error = url.parse::<Endpoint>().unwrap().check().await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}

/// Runs again in a child process, since the environment names the authorities.
#[tokio::test]
async fn certificate_of_a_configured_authority_is_accepted() {
    const NAME: &str = "tls::certificate_of_a_configured_authority_is_accepted";
    let authority = format!("{KEYS}/ca.pem");
    if std::env::var_os("SSL_CERT_FILE").is_some_and(|file| *file == *authority) {
        let url = receiver();
        url.parse::<Endpoint>().unwrap().check().await.unwrap();
        let sender = sender(&url);
        let outcome = sender.send(message("{}")).await;
        assert_eq!(outcome, AttemptOutcome::Answered { status: 200, retry_after: None });
        // No process-wide provider was needed or installed.
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env("SSL_CERT_FILE", &authority)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}
