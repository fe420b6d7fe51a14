//! `dockline demo --walk`: goes the whole way over HTTP, as a browser and a backend would, and checks every answer.

mod backend;
mod browser;
mod exchange;
mod html;
mod life;
mod steps;
mod transcript;
mod visit;

use std::io::{self, Write};

use dockline::ClaimPolicy;
use dockline_github_sim::SimError;

pub use browser::{Browser, BrowserError};
pub use exchange::{Exchange, Unanswered};

use crate::http_client::{ClientFailed, loopback};
use crate::world::Demo;
use backend::Backend;
use transcript::Transcript;

/// Why the walk ended early.
#[derive(Debug, thiserror::Error)]
pub enum WalkFailed {
    /// Something else came than was expected.
    #[error("the walk failed: {step}: {what}: expected {expected}, came {came}")]
    Wrong {
        /// The step.
        step: &'static str,
        /// What was looked at.
        what: String,
        /// What should have come, without secrets.
        expected: String,
        /// What came, without secrets.
        came: String,
    },
    /// The walk itself left steps out.
    #[error("the walk failed: it ended too early, after: {step}")]
    Incomplete {
        /// The last step.
        step: &'static str,
    },
    /// An address could not be made.
    #[error("the walk failed: {0:?} is no address")]
    Address(String),
    /// The browser could not go on.
    #[error("the walk failed: {0}")]
    Browser(#[from] BrowserError),
    /// The API did not answer.
    #[error("the walk failed: {0}")]
    Unanswered(#[from] Unanswered),
    /// There is no HTTP client.
    #[error("the walk failed: {0}")]
    Client(#[from] ClientFailed),
    /// The simulated GitHub refused a change.
    #[error("the walk failed: {0}")]
    Sim(#[from] SimError),
    /// Nothing can be printed.
    #[error("the walk failed: it cannot be printed: {0}")]
    Print(#[from] io::Error),
}

/// Goes the whole way through a fresh demo, and prints it to `out`.
///
/// # Errors
/// The first thing that was not as expected.
pub async fn run(demo: &Demo, out: &mut (dyn Write + Send)) -> Result<(), WalkFailed> {
    let client = loopback()?;
    // Where the policy asks for nothing, GitHub's detour ends without our question.
    let steps = if demo.policy() == ClaimPolicy::State { 25 } else { 28 };
    let transcript = Transcript::new(out, steps, &[&demo.acme().key, &demo.rival().key]);
    let backend = Backend::new(client.clone(), &demo.addresses().api);
    steps::Walk { demo, transcript, backend, browser: Browser::new(client) }.all().await
}
