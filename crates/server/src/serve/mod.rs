//! `dockline serve`: the API on PostgreSQL and the real GitHub.

mod gateway;
mod housekeeping;
mod options;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use dockline::{Dockline, Ports};
use dockline_axum::{RouterOptions, TracingEvents};
use dockline_postgres::{PgBindingRepo, PgHousekeeping, PgKeyStore, PgRateLimiter, PgStateStore};
use serde_json::json;

pub use options::{Migrations, ServeArgs};

use crate::address::base_url;
use crate::database::migrator;
use crate::listener::{self, Limits};
use crate::{logging, signals};

/// Serves until a signal comes; then takes no more connections and ends when what runs is answered.
///
/// # Errors
/// Where it cannot start: each error names its mend.
pub async fn run(args: ServeArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start(logging::Verbosity::Running);
    let ended = signals::ended()?;
    let database = args.database.open()?;
    options::check_webhook_secret(args.webhook_secret_file.as_deref())?;
    let public_url = options::check_public_url(args.public_url.as_deref())?;
    let github = gateway::open(&args.github).await?;
    let migrator = migrator(&database);
    match args.migrations {
        Migrations::Apply => {
            let applied = migrator.run().await?;
            if applied.from != applied.to {
                tracing::info!(from = applied.from, to = applied.to, "the schema was migrated");
            }
        }
        Migrations::Check => migrator.check().await?,
    }
    let dockline = Dockline::builder(Ports {
        keys: Arc::new(PgKeyStore::new(&database)),
        states: Arc::new(PgStateStore::new(&database)),
        bindings: Arc::new(PgBindingRepo::new(&database)),
        github: Arc::new(github),
    })
    .with_policy(args.claim_policy.into())
    .with_rate_limiter(Arc::new(PgRateLimiter::new(&database)))
    .with_events(Arc::new(TracingEvents))
    .build()
    .map_err(|error| format!("{error}: give --github-client-id and --github-client-secret-file"))?;

    let listener = listener::bind(args.listen.0, "--listen").await?;
    let api = base_url(listener.local_addr()?);
    let public = public_url.unwrap_or_else(|| api.clone());
    announce(&api, &public, args.json)?;
    let router = dockline_axum::router(dockline, RouterOptions::default());
    let purging = tokio::spawn(housekeeping::keep(PgHousekeeping::new(&database)));
    listener::serve(listener, router, Limits::default(), ended).await;
    purging.abort();
    Ok(ExitCode::SUCCESS)
}

fn announce(api: &str, public: &str, json: bool) -> io::Result<()> {
    let callback = format!("{public}/v1/github/installation/callback");
    let mut stdout = io::stdout().lock();
    if json {
        writeln!(stdout, "{}", json!({ "api": api, "callbackUrl": callback }))?;
    } else {
        writeln!(stdout, "listening on {api}\nthe App's callback URL at GitHub: {callback}")?;
    }
    stdout.flush()
}
