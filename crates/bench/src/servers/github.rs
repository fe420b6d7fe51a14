//! A fast fake GitHub: it knows the App and one installation per tenant, checks no credential, and answers after an adjustable
//! delay.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dockline_bench::APP;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Server, THIS_PROGRAM};
use crate::Result;
use crate::load::{Connection, get};

/// The fake GitHub, in a process of its own, so that its CPU time is known.
#[derive(Debug)]
pub(crate) struct Github {
    server: Server,
    key_file: PathBuf,
}

impl Github {
    /// Generates the App's private key and starts the server.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let key_file = folder.join("key.pem");
        let openssl = Command::new("openssl").args(["genrsa", "-out"]).arg(&key_file).arg("2048").output()?;
        if !openssl.status.success() {
            return Err("openssl genrsa failed".into());
        }
        let mut command = Command::new(THIS_PROGRAM);
        command.arg("github");
        Ok(Self { server: Server::start(command, &folder.join("github.log"))?, key_file })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    pub(crate) fn web(&self) -> String {
        format!("http://{}", self.server.address)
    }

    pub(crate) fn api(&self) -> String {
        format!("{}/api/v3", self.web())
    }

    pub(crate) fn key_file(&self) -> &Path {
        &self.key_file
    }

    /// Sets the delay of every later response.
    pub(crate) async fn set_delay(&self, delay: Duration) -> Result<()> {
        let mut connection = Connection::open(self.server.address).await?;
        connection.exchange(&get(&format!("/delay/{}", delay.as_millis()), None)).await?;
        Ok(())
    }
}

/// Serves until it is killed.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!(r#"{{"api":"http://{}"}}"#, listener.local_addr()?);
        let delay = Arc::new(AtomicU64::new(0));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let delay = Arc::clone(&delay);
            let service = service_fn(move |request| respond(request, Arc::clone(&delay)));
            tokio::spawn(
                http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    })
}

async fn respond(
    request: Request<Incoming>,
    delay: Arc<AtomicU64>,
) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    if let Some(milliseconds) = path.strip_prefix("/delay/") {
        delay.store(milliseconds.parse().unwrap_or(0), Ordering::Relaxed);
        return Ok(response(200, &json!({})));
    }
    match delay.load(Ordering::Relaxed) {
        0 => {}
        milliseconds => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
    }
    Ok(match body(path.strip_prefix("/api/v3").unwrap_or(path)) {
        Some(body) => response(200, &body),
        None => response(404, &json!({ "message": "Not Found" })),
    })
}

fn response(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert("x-github-media-type", hyper::header::HeaderValue::from_static("github.v3; format=json"));
    response
}

fn body(path: &str) -> Option<Value> {
    match path {
        "/app" => Some(json!({
            "id": APP, "slug": "bench", "client_id": "Iv1.bench", "node_id": "A_bench", "name": "Bench",
            "owner": account(1), "html_url": "https://github.example/apps/bench",
            "external_url": "https://bench.example", "permissions": permissions(),
            "events": ["push"], "installations_count": 1, "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
        })),
        "/app/hook/deliveries" => Some(json!([])),
        _ => path.strip_prefix("/app/installations/")?.parse().ok().map(installation),
    }
}

/// An installation as large as GitHub's, on an account with the same number.
fn installation(id: u64) -> Value {
    json!({
        "id": id, "client_id": "Iv1.bench", "account": account(id), "app_id": APP, "app_slug": "bench",
        "target_id": id, "target_type": "Organization", "repository_selection": "selected",
        "access_tokens_url": format!("https://api.github.example/app/installations/{id}/access_tokens"),
        "repositories_url": "https://api.github.example/installation/repositories",
        "html_url": format!("https://github.example/organizations/account-{id}/settings/installations/{id}"),
        "permissions": permissions(), "events": ["push"], "single_file_name": null,
        "has_multiple_single_files": false, "single_file_paths": [],
        "created_at": "2026-06-01T12:00:00.000Z", "updated_at": "2026-06-01T12:00:00.000Z",
        "suspended_by": null, "suspended_at": null,
    })
}

fn permissions() -> Value {
    json!({ "members": "read", "metadata": "read", "contents": "read" })
}

fn account(id: u64) -> Value {
    let user = format!("https://api.github.example/users/account-{id}");
    json!({
        "login": format!("account-{id}"), "id": id, "node_id": format!("O_{id}"),
        "avatar_url": format!("https://avatars.github.example/u/{id}?v=4"), "gravatar_id": "", "url": user,
        "html_url": format!("https://github.example/account-{id}"), "followers_url": format!("{user}/followers"),
        "following_url": format!("{user}/following"), "gists_url": format!("{user}/gists"),
        "starred_url": format!("{user}/starred"), "subscriptions_url": format!("{user}/subscriptions"),
        "organizations_url": format!("{user}/orgs"), "repos_url": format!("{user}/repos"),
        "events_url": format!("{user}/events"), "received_events_url": format!("{user}/received_events"),
        "type": "Organization", "site_admin": false,
    })
}

#[cfg(test)]
mod tests {
    use dockline_bench::Tenant;

    use super::*;

    #[test]
    fn the_account_of_an_installation_is_the_tenants() {
        let tenant = Tenant(12);
        let account = tenant.account().unwrap();
        let shown = body(&format!("/app/installations/{}", tenant.installation())).unwrap();
        assert_eq!(shown["account"]["id"], account.id.get());
        assert_eq!(shown["account"]["login"], account.login);
        assert_eq!(shown["account"]["type"], account.kind.as_str());
        assert_eq!(shown["app_id"], APP);
    }

    #[test]
    fn other_paths_are_not_found() {
        for path in ["/", "/app/installations/x", "/app/installations/", "/user"] {
            assert_eq!(body(path), None, "{path}");
        }
    }
}
