//! The local listener of the App manifest flow.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use dockline::{PortError, PortErrorKind};
use dockline_github::{AppManifests, CreatedApp};
use dockline_listener::{Limits, ListenAddr};
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::{Mutex, Notify};

use super::interruption::{Interrupted, Signals};
use super::manifest::manifest;
use super::secrets::random;
use super::{Failure, page};
use crate::config::ConfigErrors;
use crate::github_app::{cause_and_help, is_temporary};
use crate::http_server;

/// The App to create.
pub(super) struct Wanted<'a> {
    /// The organization that owns it; or else the user who is signed in.
    pub(super) owner: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) public_url: &'a str,
    /// The base URL of GitHub's pages.
    pub(super) web: &'a str,
    /// How long to wait.
    pub(super) timeout: Option<Duration>,
}

/// What the pages need.
struct Flow {
    github: AppManifests,
    /// The page of GitHub that takes the manifest, with the state.
    target: String,
    manifest: Value,
    state: SecretString,
    /// Locked during an exchange, so that a page that is loaded twice sends a code once.
    outcome: Mutex<Option<Result<CreatedApp, PortError>>>,
    settled: Notify,
}

/// Has the user create the App in a browser. Prints the URL to open, and waits.
///
/// # Errors
/// If GitHub refuses the code of the new App, the App is not created in time, or a signal arrives.
pub(super) async fn create_app(
    github: AppManifests,
    wanted: &Wanted<'_>,
    signals: &mut Signals,
) -> Result<CreatedApp, Failure> {
    let tcp = http_server::bind("--create-app", ListenAddr::loopback(0)).await?;
    let secret = || random(16).map_err(ConfigErrors::from);
    // The path is secret, so that other users of this machine cannot read the state from the page.
    let path = format!("/{}", secret()?.expose_secret());
    let base = format!("http://{}{path}", tcp.local_addr()?);
    let state = secret()?;
    let flow = Arc::new(Flow {
        target: format!("{}?state={}", github.registration_page(wanted.owner), state.expose_secret()),
        manifest: manifest(wanted.name, wanted.public_url, &format!("{base}/created")),
        github,
        state,
        outcome: Mutex::new(None),
        settled: Notify::new(),
    });
    let router = Router::new()
        .route(&path, get(start))
        .route(&format!("{path}/created"), get(redirected))
        .with_state(flow.clone());
    writeln!(
        io::stdout(),
        "Open this URL in a browser on this machine, and create the App at GitHub:\n\n  {base}\n"
    )?;
    let mut end = End::Settled;
    let ended = async {
        end = tokio::select! {
            () = flow.settled.notified() => End::Settled,
            () = signals.received() => End::Interrupted,
            () = timeout(wanted.timeout) => End::TimedOut,
        };
    };
    // Ends when the last page is sent.
    http_server::serve(tcp, router, Limits::default(), ended).await;
    // After an exchange that is under way, also if its browser has left.
    let outcome = flow.outcome.lock().await.take();
    let page = format!("{}/settings/apps", wanted.web);
    match (outcome, end) {
        (Some(Ok(app)), _) => Ok(app),
        (Some(Err(error)), _) => {
            let (cause, help) = cause_and_help(&error);
            let mut text = format!("GitHub did not return the App: {cause}; {help}");
            // What it says about a code that it rejects has its own remedy.
            if error.kind() != PortErrorKind::Rejected {
                text.push_str(&format!(". If the App exists, delete it on {page} and start again"));
            }
            Err(text.into())
        }
        (None, End::Interrupted) => {
            let note = format!("nothing was written. If the App exists, delete it on {page}");
            Err(Interrupted(note).into())
        }
        (None, End::TimedOut | End::Settled) => Err(format!(
            "--create-app-timeout: the time ended before the App was created; start again. If the App exists, delete it on \
             {page}"
        )
        .into()),
    }
}

/// Why the listener ends.
#[derive(Clone, Copy)]
enum End {
    Settled,
    Interrupted,
    TimedOut,
}

async fn timeout(after: Option<Duration>) {
    match after {
        Some(after) => tokio::time::sleep(after).await,
        None => std::future::pending().await,
    }
}

async fn start(State(flow): State<Arc<Flow>>) -> Response {
    page::start(&flow.target, &flow.manifest)
}

/// Receives GitHub's redirect.
async fn redirected(State(flow): State<Arc<Flow>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let parameter = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| SecretString::from(value.into_owned()))
    };
    let is_ours = |state: SecretString| state.expose_secret() == flow.state.expose_secret();
    if !parameter("state").is_some_and(is_ours) {
        let text = "This page belongs to another attempt. Start again from the URL in the terminal.";
        return page::problem(StatusCode::BAD_REQUEST, text);
    }
    let Some(code) = parameter("code") else {
        let text = "GitHub sent no code. Start again from the URL in the terminal.";
        return page::problem(StatusCode::BAD_REQUEST, text);
    };
    // A task of its own: if the browser leaves, the response with the secrets must not be lost.
    let exchange = tokio::spawn(async move { flow.exchange(&code).await });
    exchange.await.unwrap_or_else(|_| {
        let text = "The program is ending. Look at the terminal.";
        page::problem(StatusCode::INTERNAL_SERVER_ERROR, text)
    })
}

impl Flow {
    /// Exchanges the code, unless that is done. A failure that may be temporary leaves the page usable: a reload tries again.
    async fn exchange(&self, code: &SecretString) -> Response {
        let mut outcome = self.outcome.lock().await;
        if outcome.is_none() {
            let exchanged = self.github.exchange(code).await;
            if let Err(error) = &exchanged
                && is_temporary(error)
            {
                let (cause, help) = cause_and_help(error);
                // Unlike other calls, this one is not held back until the end of a rate limit.
                let is_limited = matches!(error.kind(), PortErrorKind::RateLimited { .. });
                let help = if is_limited { "wait that long" } else { help };
                let text =
                    format!("{cause}. The App exists at GitHub; {help}, and reload this page to go on.");
                return page::problem(StatusCode::BAD_GATEWAY, &text);
            }
            *outcome = Some(exchanged);
            self.settled.notify_one();
        }
        match outcome.as_ref() {
            Some(Ok(app)) => page::created(&app.name),
            Some(Err(error)) => page::problem(StatusCode::BAD_GATEWAY, &cause_and_help(error).0),
            None => page::problem(StatusCode::GONE, "The App was created. Look at the terminal."),
        }
    }
}
