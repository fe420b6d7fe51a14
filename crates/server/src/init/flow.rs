//! The local listener of the App manifest flow.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use dockline::PortError;
use dockline_github::{AppManifests, CreatedApp};
use dockline_listener::{Limits, ListenAddr};
use http::StatusCode;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::oneshot;

use super::answers::random;
use super::manifest::manifest;
use super::{Failure, page};
use crate::config::ConfigErrors;
use crate::github_app::{cause_and_help, is_temporary};
use crate::http_server;

/// What the pages need.
struct Flow {
    github: AppManifests,
    /// The page of GitHub that takes the manifest, with the state.
    target: String,
    manifest: Value,
    state: String,
    done: Mutex<Option<oneshot::Sender<Result<CreatedApp, PortError>>>>,
}

/// Has the user create the App in a browser. Prints the URL to open, and waits.
///
/// # Errors
/// If GitHub refuses the code of the new App.
pub(super) async fn create_app(
    github: AppManifests,
    owner: Option<&str>,
    name: Option<&str>,
    public_url: &str,
) -> Result<CreatedApp, Failure> {
    let tcp = http_server::bind("--create-app", ListenAddr::loopback(0)).await?;
    // The path is secret, so that other users of this machine cannot read the state from the page.
    let path = format!("/{}", random(16).map_err(ConfigErrors::from)?);
    let base = format!("http://{}{path}", tcp.local_addr()?);
    let state = random(16).map_err(ConfigErrors::from)?;
    let (done, created) = oneshot::channel();
    let flow = Flow {
        target: format!("{}?state={state}", github.registration_page(owner)),
        manifest: manifest(name, public_url, &format!("{base}/created")),
        github,
        state,
        done: Mutex::new(Some(done)),
    };
    let router = Router::new()
        .route(&path, get(start))
        .route(&format!("{path}/created"), get(redirected))
        .with_state(Arc::new(flow));
    println!("Open this URL in a browser on this machine, and create the App at GitHub:\n\n  {base}\n");
    let mut outcome = None;
    // Ends when the last page is sent.
    http_server::serve(tcp, router, Limits::default(), async { outcome = created.await.ok() }).await;
    match outcome {
        Some(Ok(app)) => Ok(app),
        Some(Err(error)) => {
            let (cause, help) = cause_and_help(&error);
            Err(format!("GitHub did not return the App: {cause}; {help}").into())
        }
        None => Err("the flow ended without an App; start it again".into()),
    }
}

async fn start(State(flow): State<Arc<Flow>>) -> Response {
    page::start(&flow.target, &flow.manifest)
}

/// Receives GitHub's redirect. A failure that may be temporary leaves the page usable: a reload tries again.
async fn redirected(State(flow): State<Arc<Flow>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let parameter = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    if parameter("state").as_ref() != Some(&flow.state) {
        let text = "This page belongs to another attempt. Start again from the URL in the terminal.";
        return page::problem(StatusCode::BAD_REQUEST, text);
    }
    let Some(code) = parameter("code").map(SecretString::from) else {
        let text = "GitHub sent no code. Start again from the URL in the terminal.";
        return page::problem(StatusCode::BAD_REQUEST, text);
    };
    let result = flow.github.exchange(&code).await;
    let response = match &result {
        Ok(app) => page::created(&app.name),
        Err(error) if is_temporary(error) => {
            let (cause, help) = cause_and_help(error);
            let text = format!("{cause}. The App exists at GitHub; {help}, and reload this page to go on.");
            return page::problem(StatusCode::BAD_GATEWAY, &text);
        }
        Err(error) => page::problem(StatusCode::BAD_GATEWAY, &cause_and_help(error).0),
    };
    if let Some(done) = flow.done.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // An error means that the program is ending.
        drop(done.send(result));
    }
    response
}
