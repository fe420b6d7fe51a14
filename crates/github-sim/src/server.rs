//! One listener for everything.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{DATE, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use crate::clock::http_date;
use crate::control::CONTROL;
use crate::fault_answer::{self, Severed};
use crate::sim::GithubSim;
use crate::urls::API;
use crate::{api, control, git, random, web};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-github-request-id");

/// A simulator that listens on a free port of the loopback interface, until it is dropped.
///
/// Dropping it closes the listener and every connection, also those that hang.
#[derive(Debug)]
pub struct RunningSim {
    /// The pages and the OAuth endpoints: `http://HOST`.
    pub web: String,
    /// The REST API: `http://HOST/api/v3`.
    pub api: String,
    /// The control API: `http://HOST/_control`.
    pub control: String,
    /// Where it listens.
    pub addr: SocketAddr,
    sim: GithubSim,
    task: JoinHandle<()>,
}

impl RunningSim {
    /// The simulator that is served.
    pub fn sim(&self) -> &GithubSim {
        &self.sim
    }
}

impl Drop for RunningSim {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl GithubSim {
    /// Everything as one axum router, to be served by a server of your own. Then [`Fault::Drop`](crate::Fault::Drop) and
    /// [`Fault::LoseAnswer`](crate::Fault::LoseAnswer) show as 502, because only [`serve`](Self::serve) can close connections.
    pub fn router(&self) -> Router {
        Router::new()
            .nest(API, api::routes(self))
            .nest(CONTROL, control::routes())
            .merge(web::routes())
            .merge(git::routes())
            .layer(from_fn_with_state(self.clone(), observe))
            .with_state(self.clone())
    }

    /// Serves on `listener` and posts webhook deliveries until `shutdown` is done; then closes every connection.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) {
        let app = self.router();
        if let Ok(addr) = listener.local_addr() {
            self.shared().serve_at(format!("http://{addr}"));
        }
        let mut courier = pin!(self.carry_mail());
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = &mut courier => {}
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(app.clone(), stream));
                    }
                    Err(error) => {
                        // Most likely out of file descriptors: an immediate retry would only spin.
                        tracing::warn!(%error, "a connection was not accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
        connections.shutdown().await;
    }

    /// Serves on a free port of 127.0.0.1, until the answer is dropped. Must be called on a tokio runtime.
    pub async fn start(&self) -> io::Result<RunningSim> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let web = self.config().base_url.clone().unwrap_or_else(|| format!("http://{addr}"));
        Ok(RunningSim {
            api: format!("{web}{API}"),
            control: format!("{web}{CONTROL}"),
            web,
            addr,
            task: tokio::spawn(self.clone().serve(listener, std::future::pending())),
            sim: self.clone(),
        })
    }
}

/// An error instead of an answer makes hyper close the connection.
async fn connection(app: Router, stream: TcpStream) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let app = app.clone();
        async move {
            let Ok(response) = app.oneshot(request.map(Body::new)).await;
            match response.extensions().get::<Severed>() {
                Some(_) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
                None => Ok(response),
            }
        }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Records the request, applies the fault that meets it, and stamps the answer with the simulator's time.
async fn observe(State(sim): State<GithubSim>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.starts_with(CONTROL) {
        return next.run(request).await;
    }
    let (fault, now) = {
        let mut world = sim.world();
        world.log.record(request.method().as_str(), path);
        (world.faults.take(request.method().as_str(), path), world.now())
    };
    let mut response = match fault {
        Some(fault) => fault_answer::answer(fault, now, request, next).await,
        None => next.run(request).await,
    };
    stamp(&sim, response.headers_mut());
    response
}

fn stamp(sim: &GithubSim, headers: &mut HeaderMap) {
    headers.extend(HeaderValue::try_from(http_date(sim.now())).ok().map(|date| (DATE, date)));
    let id = random::hex(10).ok().and_then(|id| HeaderValue::try_from(id.to_ascii_uppercase()).ok());
    headers.extend(id.map(|id| (REQUEST_ID, id)));
}
