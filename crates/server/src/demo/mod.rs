//! `dockline demo`: everything in one process, to try the flow without an account anywhere.

mod guide;
mod options;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use dockline::ports::OsEntropy;
use dockline::{ClaimPolicy, State};
use dockline_listener::{ListenAddr, shutdown_signal};
use secrecy::ExposeSecret;
use serde_json::json;

pub use crate::world::{Addresses, Demo, SEED_INSTALLATION, SEED_STATE, Tenant};
pub use options::DemoArgs;

use crate::{logging, walk};

/// Runs the demo until a signal comes, or the walk is over.
///
/// # Errors
/// Where it cannot start.
pub async fn run(args: DemoArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start(if args.walk { logging::Verbosity::Walking } else { logging::Verbosity::Running });
    let ended = shutdown_signal()?;
    let address = |asked: Option<ListenAddr>, port| {
        asked.unwrap_or(ListenAddr::loopback(if args.walk { 0 } else { port }))
    };
    let (listen, github_listen) = (address(args.listen, 8080), address(args.github_listen, 8081));
    let policy = ClaimPolicy::from(args.claim_policy);
    let demo = Demo::start(listen, github_listen, policy).await?;
    let code = if args.walk {
        let mut stdout = io::stdout();
        tokio::select! {
            walked = walk::run(&demo, &mut stdout) => match walked {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => {
                    writeln!(io::stderr(), "dockline: {failure}")?;
                    ExitCode::FAILURE
                }
            },
            // Whoever interrupts the walk must not take it for a walk that went well.
            () = ended => ExitCode::FAILURE,
        }
    } else {
        let text = if args.json {
            json_line(&demo)
        } else {
            guide::text(&demo, &State::mint(&OsEntropy)?, &State::mint(&OsEntropy)?)
        };
        print(&text)?;
        ended.await;
        ExitCode::SUCCESS
    };
    demo.stop().await;
    Ok(code)
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// The keys are shown on purpose: they are worth nothing after this process.
fn json_line(demo: &Demo) -> String {
    let Addresses { api, github, product, return_url } = demo.addresses();
    let (acme, rival) = (demo.acme(), demo.rival());
    let line = json!({
        "api": api,
        "github": github,
        "product": product,
        "apiKey": acme.key.expose_secret(),
        "organizationId": acme.organization.as_str(),
        "returnUrl": return_url,
        "rivalApiKey": rival.key.expose_secret(),
        "rivalOrganizationId": rival.organization.as_str(),
    });
    format!("{line}\n")
}
