//! The command line.

use std::net::SocketAddr;

use clap::{Parser, ValueEnum};
use dockline::ClaimPolicy;
use dockline_github_sim::cli::parse_listen_address;

/// The API, a simulated GitHub and a small product in one process, to try the whole flow.
///
/// Everything is stored in memory and lost when the program ends (Ctrl-C). The API keys that it prints work only until then.
#[derive(Debug, Clone, Parser)]
#[command(name = "dockline-demo", version)]
pub struct Options {
    /// Listen address of the API and the product; port 0 takes a free port [default: 127.0.0.1:8080; a free port with
    /// --walk].
    #[arg(long, value_name = "ADDR", value_parser = local_address)]
    pub listen: Option<SocketAddr>,
    /// Listen address of the simulated GitHub [default: 127.0.0.1:8081; a free port with --walk].
    #[arg(long, value_name = "ADDR", value_parser = local_address)]
    pub github_listen: Option<SocketAddr>,
    /// The proof required to bind an installation for the first time.
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub claim_policy: Policy,
    /// Print one line of JSON with the addresses and keys instead of the guide.
    #[arg(long, conflicts_with = "walk")]
    pub json: bool,
    /// Run the whole flow as a browser and a backend would, print and check every response, and exit with 0 only if all of
    /// them are correct.
    #[arg(long)]
    pub walk: bool,
}

/// The claim policy as an option's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// A live state of the caller's organization is enough: a caller who guesses the id of an unbound installation can
    /// bind it.
    State,
    /// The visitor can see the installation.
    Visible,
    /// The visitor administers the account, or installed the App.
    #[default]
    Controlled,
}

impl From<Policy> for ClaimPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::State => Self::State,
            Policy::Visible => Self::Visible,
            Policy::Controlled => Self::Controlled,
        }
    }
}

/// The demo serves plain HTTP, and its browser runs on this machine.
fn local_address(text: &str) -> Result<SocketAddr, &'static str> {
    let address = parse_listen_address(text)?;
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        Ok(address)
    } else {
        Err("the demo listens on this machine only: write it as 127.0.0.1:8080, or :8080 for the same")
    }
}
