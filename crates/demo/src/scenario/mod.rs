//! `--walk`: runs the whole flow over HTTP, as a browser and a backend would, and checks every response.

mod backend;
mod browser;
mod browser_flow;
mod html;
mod lifecycle;
mod registration;
mod response;
mod transcript;

use std::io::{self, Write};

use dockline::ClaimPolicy;
use dockline_github_sim::SimError;
use http::StatusCode;
use secrecy::SecretString;
use serde_json::Value;

pub use browser::{Browser, BrowserError};
pub use response::{NoResponse, Response};

use crate::environment::Environment;
use crate::http_client::loopback;
use backend::Backend;
use transcript::Transcript;

/// The scenario ended early.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A check failed.
    #[error("the scenario failed: {step}: {check}: expected {expected}, actual {actual}")]
    Mismatch {
        /// The step.
        step: &'static str,
        /// The check.
        check: String,
        /// The expected value, without secrets.
        expected: String,
        /// The actual value, without secrets.
        actual: String,
    },
    /// Steps are missing, which would be a bug of the scenario.
    #[error("the scenario failed: it ended too early, after: {step}")]
    Incomplete {
        /// The last step.
        step: &'static str,
    },
    /// The browser could not continue.
    #[error("the scenario failed: {0}")]
    Browser(#[from] BrowserError),
    /// The API sent no response.
    #[error("the scenario failed: {0}")]
    NoResponse(#[from] NoResponse),
    /// The HTTP client could not be created.
    #[error("the scenario failed: {0}")]
    Client(#[from] reqwest::Error),
    /// The simulated GitHub rejected a change.
    #[error("the scenario failed: {0}")]
    Sim(#[from] SimError),
    /// The transcript could not be written.
    #[error("the scenario failed: the transcript cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// Runs the flow in a fresh environment and prints it to `out`.
///
/// # Errors
/// Fails at the first response that is not as expected.
pub async fn run(environment: &Environment, out: &mut (dyn Write + Send)) -> Result<(), ScenarioError> {
    // With the policy `state` the callback checks no visitor and shows no confirmation page.
    let steps = if environment.policy() == ClaimPolicy::State { 25 } else { 28 };
    let keys = [&environment.acme().key, &environment.rival().key];
    let scenario = Scenario {
        environment,
        transcript: Transcript::new(out, steps, &keys),
        backend: Backend::new(loopback().build()?, &environment.addresses().api),
        browser: Browser::new()?,
    };
    scenario.run().await
}

struct Scenario<'a> {
    environment: &'a Environment,
    transcript: Transcript<'a>,
    backend: Backend,
    browser: Browser,
}

impl Scenario<'_> {
    async fn run(mut self) -> Result<(), ScenarioError> {
        let (installation, state) = self.connect().await?;
        let registered = self.register(installation, state).await?;
        self.repeat(&registered).await?;
        self.show_binding(&registered).await?;
        self.conflict(&registered).await?;
        let rival_state = self.attack(&registered).await?;
        self.invalid_requests(&registered).await?;
        self.changes_at_github(installation).await?;
        self.detach(installation, &rival_state).await?;
        self.connect_again(installation).await?;
        self.uninstall(installation).await?;
        self.transcript.finish()
    }

    /// Prints a response and checks its status.
    fn expect(&mut self, response: &Response, status: StatusCode) -> Result<(), ScenarioError> {
        self.transcript.show(response)?;
        self.transcript.check("status", status, response.status)
    }

    /// Checks the code of an error response, and that its request id is in body and header.
    fn expect_code(&mut self, response: &Response, code: &str) -> Result<(), ScenarioError> {
        let error = response.json().get("error").cloned().unwrap_or_default();
        self.transcript.check("code", code.to_owned(), text(&error, "code"))?;
        let header = response.header("x-request-id").unwrap_or("none").to_owned();
        self.transcript.check("requestId is the header's", header, text(&error, "requestId"))
    }

    const fn acme(&self) -> &SecretString {
        &self.environment.acme().key
    }
}

fn text(body: &Value, name: &str) -> String {
    body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn details(response: &Response) -> Value {
    response.json().pointer("/error/details").cloned().unwrap_or_default()
}
