//! A GitHub whose responses the test scripts, and which records the requests.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use dockline_github::GithubHost;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A request that arrived.
#[derive(Clone)]
pub(crate) struct Seen {
    /// Method, path and query: `GET /api/app`.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn bearer(&self) -> &str {
        self.header("authorization").strip_prefix("Bearer ").unwrap_or_default()
    }
}

/// A scripted response.
#[derive(Clone)]
pub(crate) enum Reply {
    With {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The same, after a delay.
    After(std::time::Duration, Box<Self>),
    /// No response.
    Never,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, body.to_string())
    }

    pub(crate) fn bytes(status: u16, body: impl Into<Vec<u8>>) -> Self {
        // The fixtures' clock, so that no skew is measured unless a test wants it.
        let headers = vec![
            ("date".to_owned(), crate::fixtures::DATE.to_owned()),
            ("x-github-request-id".to_owned(), "C0DE:1:2:3:4".to_owned()),
        ];
        Self::With { status, headers, body: body.into() }
    }

    pub(crate) fn message(status: u16, message: &str) -> Self {
        Self::json(status, &serde_json::json!({ "message": message, "status": status.to_string() }))
    }

    pub(crate) fn after(self, delay: std::time::Duration) -> Self {
        Self::After(delay, Box::new(self))
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        if let Self::With { headers, .. } = &mut self {
            headers.retain(|(known, _)| known != name);
        }
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Self::With { headers, .. } = &mut self {
            headers.retain(|(known, _)| known != name);
            headers.push((name.to_owned(), value.into()));
        }
        self
    }
}

pub(crate) struct Scripted {
    base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    count: watch::Receiver<usize>,
}

impl Scripted {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (arrived, count) = watch::channel(0);
        let (record, script) = (Arc::clone(&seen), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (record, script, arrived) = (Arc::clone(&record), Arc::clone(&script), arrived.clone());
                let service = service_fn(move |request| {
                    let (record, script, arrived) =
                        (Arc::clone(&record), Arc::clone(&script), arrived.clone());
                    async move {
                        let one = read(request).await;
                        let reply = script(&one);
                        record.lock().unwrap().push(one);
                        arrived.send_modify(|count| *count += 1);
                        Ok::<_, Infallible>(answer(reply).await)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(tcp), service));
            }
        });
        Self { base, seen, count }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn host(&self) -> GithubHost {
        GithubHost::at(&self.base, &format!("{}/api", self.base)).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// Waits for a request whose line starts with `line`.
    pub(crate) async fn until(&self, line: &str) {
        let mut count = self.count.clone();
        let arrival = async {
            while !self.lines().iter().any(|seen| seen.starts_with(line)) {
                count.changed().await.unwrap();
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), arrival).await.unwrap();
    }
}

async fn read(request: Request<Incoming>) -> Seen {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Seen {
        line: format!("{} {}", head.method, head.uri),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn answer(mut reply: Reply) -> Response<Full<Bytes>> {
    while let Reply::After(delay, then) = reply {
        tokio::time::sleep(delay).await;
        reply = *then;
    }
    match reply {
        Reply::With { status, headers, body } => headers
            .iter()
            .fold(Response::builder().status(status), |response, (name, value)| response.header(name, value))
            .body(Full::new(Bytes::from(body)))
            .unwrap(),
        Reply::Never | Reply::After(..) => std::future::pending().await,
    }
}
