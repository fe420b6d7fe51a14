//! TLS with the machine's certificate authorities and this crate's own cryptography provider (L-46). The test server uses
//! ring; with the feature `aws-lc-rs` alone, the client uses AWS-LC and the tree has both.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dockline::PortErrorKind;
use dockline::ports::GithubGateway;
use dockline_github::{GithubApp, GithubAppConfig, GithubHost, HttpsProxy, SecretString};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::connect_proxy::ConnectProxy;
use crate::fixtures::{PKCS1, app_body, chain};

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/tls/ca.pem");

fn enterprise_server() -> GithubApp {
    GithubApp::new(config_of_enterprise_server()).unwrap()
}

/// An enterprise server whose certificate is signed by a private authority, on a thread of its own.
fn config_of_enterprise_server() -> GithubAppConfig {
    let pem =
        |file: &str| std::fs::read(format!("{}/tests/keys/tls/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
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
            // A client that does not trust the certificate closes the connection.
            let mut request = [0; 4096];
            if matches!(stream.read(&mut request), Ok(1..)) {
                assert!(request.starts_with(b"GET /api/v3/app HTTP/1.1"));
                let body = app_body().to_string();
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
                stream.flush().unwrap();
            }
        }
    });
    let host = GithubHost::enterprise_server(&format!("localhost:{port}")).unwrap();
    GithubAppConfig::new(7_u64.try_into().unwrap(), "acme-dock", PKCS1.into()).with_host(host)
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_rejected_before_anything_is_sent_i18() {
    let error = enterprise_server().app().await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unavailable);
    assert!(chain(&error).contains("certificate"), "{}", chain(&error));
}

/// Runs again in a child process, since the environment names the authorities.
#[tokio::test]
async fn a_certificate_of_a_configured_authority_is_accepted_l46() {
    const NAME: &str = "http::tls::a_certificate_of_a_configured_authority_is_accepted_l46";
    if std::env::var_os("SSL_CERT_FILE").is_some_and(|file| file == AUTHORITY) {
        enterprise_server().app().await.unwrap();
        // Through a proxy, TLS is negotiated with the server itself.
        let proxy = ConnectProxy::start("ann:x");
        let url = SecretString::from(format!("http://ann:x@{}", proxy.address));
        let config = config_of_enterprise_server().with_proxy(HttpsProxy::parse(&url).unwrap());
        GithubApp::new(config).unwrap().app().await.unwrap();
        assert!(
            proxy.targets().iter().all(|target| target.starts_with("localhost:")),
            "{:?}",
            proxy.targets()
        );
        // No process-wide provider was needed or installed.
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env("SSL_CERT_FILE", AUTHORITY)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

#[tokio::test]
async fn the_connect_timeout_covers_the_tls_handshake_i17() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = GithubHost::enterprise_server(&listener.local_addr().unwrap().to_string()).unwrap();
    let config = GithubAppConfig::new(7_u64.try_into().unwrap(), "acme-dock", PKCS1.into())
        .with_host(host)
        .with_connect_timeout(Duration::from_millis(200))
        .with_timeout(Duration::from_secs(60));
    let begun = Instant::now();
    let error = GithubApp::new(config).unwrap().app().await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
