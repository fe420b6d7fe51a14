//! The HTTP server of a simulator.

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
use crate::sim::GithubSim;
use crate::traffic::fault_response::{self, CloseConnection, FromProxy};
use crate::traffic::faults::{FaultRequest, Taken};
use crate::traffic::refusal::Refused;
use crate::traffic::target::{Target, user_token};
use crate::urls::{API, Params, Urls};
use crate::{api, control, fixture, git, random, web};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-github-request-id");

/// A simulator that listens on a free port of 127.0.0.1. Dropping it closes the listener and all connections.
#[derive(Debug)]
pub struct RunningSim {
    /// Base URL of the pages and the OAuth endpoints: `http://HOST`.
    pub web: String,
    /// Base URL of the REST API: `http://HOST/api/v3`.
    pub api: String,
    /// Base URL of the control API: `http://HOST/_control`.
    pub control: String,
    /// The address of the listener.
    pub addr: SocketAddr,
    sim: GithubSim,
    task: JoinHandle<()>,
}

impl RunningSim {
    /// Returns the simulator.
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
    fn router(&self) -> Router {
        Router::new()
            .nest(API, api::routes(self))
            .nest(CONTROL, control::routes())
            .merge(web::routes())
            .merge(git::routes())
            .layer(from_fn_with_state(self.clone(), observe))
            .with_state(self.clone())
    }

    /// Serves on `listener` and sends webhook deliveries until `shutdown` completes. Then closes all connections.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) {
        let app = self.router();
        if let Ok(addr) = listener.local_addr() {
            self.shared().set_served_at(format!("http://{addr}"));
        }
        let mut sender = pin!(self.send_deliveries());
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = &mut sender => {}
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(serve_connection(app.clone(), stream));
                    }
                    Err(error) => {
                        // Usually out of file descriptors, so an immediate retry would busy-loop.
                        tracing::warn!(%error, "accepting a connection failed");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
        connections.shutdown().await;
    }

    /// Serves on a free port of 127.0.0.1 until the returned value is dropped. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// If the listener cannot be bound.
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

async fn serve_connection(app: Router, stream: TcpStream) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let app = app.clone();
        async move {
            let Ok(response) = app.oneshot(request.map(Body::new)).await;
            match response.extensions().get::<CloseConnection>() {
                // hyper closes the connection if the service returns an error.
                Some(_) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
                None => Ok(response),
            }
        }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Middleware: records the request, applies its faults, and sets the headers of every response.
async fn observe(State(sim): State<GithubSim>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.starts_with(CONTROL) {
        return next.run(request).await;
    }
    sim.fixture().log.record(request.method().as_str(), path);
    let mut response = match faults(&sim, &request) {
        Some((taken, refused)) => {
            let (is_api, headers) = (path.starts_with(API), request.headers().clone());
            let mut response = fault_response::respond(taken, refused, request, next).await;
            if response.extensions().get::<FromProxy>().is_some() {
                return response;
            }
            if is_api {
                api::complete(&sim, &headers, &mut response);
            }
            response
        }
        None => next.run(request).await,
    };
    set_headers(&sim, response.headers_mut());
    response
}

/// Returns the faults of the request, or `None` if no rule applies.
fn faults(sim: &GithubSim, request: &Request) -> Option<(Taken, Refused)> {
    let (path, headers) = (request.uri().path(), request.headers());
    let fixture: &mut fixture::Fixture = &mut sim.fixture();
    if fixture.faults.is_empty() {
        return None;
    }
    let (now, target) = (fixture.now(), Target::of(fixture, path, headers));
    let fixture::Fixture { faults, model, clock, .. } = fixture;
    let user_token = user_token(model, clock.now(), headers);
    let params = Params::parse(request.uri().query().unwrap_or_default().as_bytes());
    let method = request.method().as_str();
    let taken = faults.take(&FaultRequest { method, path, params: &params, target, user_token, model });
    let login = target.login(model).map(str::to_owned);
    let refused = Refused { now, web: Urls::of(sim, headers).web, login, caller: target.caller };
    (taken.fault.is_some() || !taken.hidden.is_empty()).then_some((taken, refused))
}

fn set_headers(sim: &GithubSim, headers: &mut HeaderMap) {
    let id = random::hex(10).to_ascii_uppercase();
    for (name, value) in [(DATE, http_date(sim.now())), (REQUEST_ID, id)] {
        headers.extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
    }
}
