//! What `dockline demo` can be told.

use clap::Args;
use dockline_listener::ListenAddr;

use crate::policy::Policy;

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
