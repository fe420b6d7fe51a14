//! The command line.

use std::net::SocketAddr;

use clap::Parser;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
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
    #[arg(long, value_name = "POLICY", default_value_t, value_parser = policies())]
    pub claim_policy: ClaimPolicy,
    /// Print one line of JSON with the addresses and keys instead of the guide.
    #[arg(long, conflicts_with = "walk")]
    pub json: bool,
    /// Run the whole flow as a browser and a backend would, print and check every response, and exit with 0 only if all of
    /// them are correct.
    #[arg(long)]
    pub walk: bool,
}

fn policies() -> impl TypedValueParser<Value = ClaimPolicy> {
    let policies = ClaimPolicy::ALL.iter().map(|policy| {
        PossibleValue::new(policy.as_str()).help(match policy {
            ClaimPolicy::State => "A caller who guesses the id of an unbound installation can bind it",
            ClaimPolicy::Visible => "The visitor can see the installation",
            ClaimPolicy::Installer => "The visitor administers the account, or has just installed the App",
            ClaimPolicy::Controlled => {
                "The visitor administers the account, or is a member and installed the App"
            }
        })
    });
    PossibleValuesParser::new(policies).try_map(|policy| policy.parse())
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
