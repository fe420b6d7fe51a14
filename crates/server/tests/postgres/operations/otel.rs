//! `serve --otel-endpoint`: spans at a collector.

use std::fs::File;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use dockline_listener::Listener;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;

use crate::http_client::loopback;
use crate::schema::TestSchema;
use crate::server::{Github, Server};

#[tokio::test(flavor = "multi_thread")]
async fn collector_gets_the_spans_of_a_request_and_no_secret() {
    let taken: Arc<Mutex<Vec<u8>>> = Arc::default();
    let keep = Arc::clone(&taken);
    let collector = Router::new().route(
        "/v1/traces",
        post(move |body: Bytes| async move { keep.lock().unwrap().extend_from_slice(&body) }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let service = collector.into_make_service_with_connect_info::<std::net::SocketAddr>();
    tokio::spawn(Listener::new(listener).serve(service, std::future::pending()));

    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let further = ["--otel-endpoint", endpoint.as_str()];
    let log = github.files.path("log");
    let server = Server::spawn_logging(&schema, &github, &further, File::create(&log).unwrap()).listening();
    let key = schema.key("org_traced").await;
    let url = format!("{}/v1/whoami", server.api);
    let (trace, span) = ([0x5a_u8; 16], [0xa5_u8; 8]);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let request = loopback().get(url).bearer_auth(key.expose_secret());
    let request = request.header("traceparent", format!("00-{}-{}-01", hex(&trace), hex(&span)));
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    // Shutdown sends the remaining spans.
    assert_eq!(server.end(), Some(0));
    let taken = taken.lock().unwrap().clone();
    let text = String::from_utf8_lossy(&taken);
    for told in ["request", "/v1/whoami", "org_traced", "admission", "admit", "req_", "dockline"] {
        assert!(text.contains(told), "{told} is not in {text}");
    }
    let holds = |bytes: &[u8]| taken.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(&trace) && holds(&span), "no link to the caller's span");
    let secret = key.expose_secret().splitn(4, '_').nth(3).unwrap();
    assert!(!holds(secret.as_bytes()));
    // Only changes are logged, and the collector accepted all.
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(!log.contains("the collector of --otel-endpoint"), "{log}");
}
