//! The binary `dockline-demo`.

use std::error::Error;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use dockline_demo::environment::Environment;
use dockline_demo::options::Options;
use dockline_demo::{guide, scenario};
use dockline_github_sim::cli;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dockline-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    // The scenario provokes rejections and reports them itself.
    cli::start_logging(if options.walk { "error" } else { "warn,dockline=info" });
    // Before the first output: a parent process may send the signal as soon as it has read it.
    let shutdown = cli::shutdown_signal()?;
    let default = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, if options.walk { 0 } else { port }));
    let environment = Environment::start(
        options.listen.unwrap_or(default(8080)),
        options.github_listen.unwrap_or(default(8081)),
        options.claim_policy,
    )
    .await?;
    let code = if options.walk {
        let mut stdout = io::stdout();
        tokio::select! {
            result = scenario::run(&environment, &mut stdout) => {
                result?;
                ExitCode::SUCCESS
            }
            // An interrupted run must not look like a successful one.
            () = shutdown => ExitCode::FAILURE,
        }
    } else {
        print(&if options.json { guide::json_line(&environment) } else { guide::text(&environment)? })?;
        shutdown.await;
        ExitCode::SUCCESS
    };
    environment.stop().await;
    Ok(code)
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
