//! What can be typed.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use dockline::ClaimPolicy;

use crate::keys::KeysCommand;
use crate::migrate::MigrateArgs;
use crate::serve::ServeArgs;
use crate::{demo, github_sim, keys, migrate, serve};

/// Binds GitHub App installations to the organizations of a multi-tenant product.
#[derive(Debug, Parser)]
#[command(name = "dockline", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the API, a simulated GitHub and a small product page in one process, to try the whole flow.
    ///
    /// Everything is in memory and gone when the program ends (Ctrl-C). The API keys that it prints are throw-aways.
    Demo(DemoArgs),
    /// Run the simulated GitHub alone, to develop and test against.
    ///
    /// It starts with one App, the user olga, who administers the organization acme-coffee and is signed in wherever a
    /// browser brings no session, and the user mallory, who administers mallory-inc. More is made through the control
    /// API below /_control, such as: curl -d '{"login": "nina"}' -H 'Content-Type: application/json'
    /// http://127.0.0.1:8081/_control/users
    ///
    /// It has no authentication of its own and publishes its private keys: never show it to the internet.
    GithubSim(SimArgs),
    /// Serve the API on PostgreSQL, for the real GitHub.
    ///
    /// Every option can also be given by the environment. Secrets come from files, the database's password by its URL.
    Serve(Box<ServeArgs>),
    /// Bring the database's schema to what this version needs. Safe to run any number of times, and at once.
    Migrate(MigrateArgs),
    /// Make, list and revoke API keys.
    #[command(subcommand)]
    Keys(KeysCommand),
}

/// Options of `dockline demo`.
#[derive(Debug, Clone, Default, Args)]
pub struct DemoArgs {
    /// Where the API and the product page listen; port 0 takes a free one [default: 127.0.0.1:8080; a free port with
    /// --walk].
    #[arg(long, value_name = "ADDR", value_parser = on_this_machine)]
    pub listen: Option<ListenAddr>,
    /// Where the simulated GitHub listens [default: 127.0.0.1:8081; a free port with --walk].
    #[arg(long, value_name = "ADDR", value_parser = on_this_machine)]
    pub github_listen: Option<ListenAddr>,
    /// What must be shown before an installation is bound for the first time.
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub claim_policy: Policy,
    /// Print one line of JSON with the addresses and keys instead of the guide.
    #[arg(long, conflicts_with = "walk")]
    pub json: bool,
    /// Go the whole way as a browser and a backend would, print and check every answer, and end: with 0 only if all of
    /// it was right.
    #[arg(long)]
    pub walk: bool,
}

/// Options of `dockline github-sim`.
#[derive(Debug, Clone, Args)]
pub struct SimArgs {
    /// Where it listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub listen: ListenAddr,
    /// The App's name in addresses.
    #[arg(long, default_value = github_sim::SLUG)]
    pub slug: String,
    /// The App's callback URL: where browsers go after an installation.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/v1/github/installation/callback")]
    pub callback_url: String,
    /// Print one line of JSON with the addresses and the App's credentials instead of text.
    #[arg(long)]
    pub json: bool,
}

/// The least proof for a first binding, as an option.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// A live state of the caller's organization and nothing else: whoever guesses an unbound installation's number can
    /// bind it.
    State,
    /// The person in the browser can see the installation.
    Visible,
    /// The person in the browser administers the account.
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

/// An address to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or `:8080` for 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddr(pub SocketAddr);

impl FromStr for ListenAddr {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mend = "write it as 127.0.0.1:8080, or :8080 for the same";
        if let Some(port) = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')) {
            let port = port.parse().map_err(|_| mend)?;
            return Ok(Self(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        }
        text.parse().map(Self).map_err(|_| mend)
    }
}

impl ListenAddr {
    /// A port of the loopback interface; 0 for a free one.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

/// Plain HTTP is fine on the loopback interface only, and the demo's browser is on this machine.
fn on_this_machine(text: &str) -> Result<ListenAddr, &'static str> {
    let address: ListenAddr = text.parse()?;
    let ip = address.0.ip();
    if ip.is_loopback() || ip.is_unspecified() {
        Ok(address)
    } else {
        Err("the demo is for this machine: write it as 127.0.0.1:8080, or :8080 for the same")
    }
}

impl Cli {
    /// Does what was asked for, until it is done or a signal comes.
    ///
    /// # Errors
    /// Cause and mend in one line, for people.
    pub async fn run(self) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
        match self.command {
            Command::Demo(args) => demo::run(args).await,
            Command::GithubSim(args) => github_sim::run(args).await,
            Command::Serve(args) => serve::run(*args).await,
            Command::Migrate(args) => migrate::run(args).await,
            Command::Keys(command) => keys::run(command).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_mean_the_loopback_interface() {
        for (text, expected) in [
            (":8080", "127.0.0.1:8080"),
            (":0", "127.0.0.1:0"),
            ("localhost:1", "127.0.0.1:1"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(text.parse(), Ok(ListenAddr(expected.parse().unwrap())), "{text}");
        }
        for text in ["", "8080", "127.0.0.1", ":99999", "example.com:80"] {
            assert!(text.parse::<ListenAddr>().is_err(), "{text}");
        }
    }
}
