//! `dockline serve`: the API on PostgreSQL and the real GitHub.

mod ending;
mod health;
mod housekeeping;
mod options;
mod sweeping;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use dockline::{Dockline, Ports};
use dockline_axum::{RefreshOptions, Refresher, RouterOptions, TracingEvents};
use dockline_postgres::{PgBindingRepo, PgHousekeeping, PgKeyStore, PgRateLimiter, PgStateStore};
use serde_json::json;

pub use options::{Migrations, ServeArgs};

use ending::{Ending, StoppedAt};
use health::Health;

use crate::address::base_url;
use crate::database::migrator;
use crate::listener;
use crate::{github_app, logging};

/// Serves until a signal comes; then takes no more connections and ends when what runs is answered, and what webhooks hinted
/// at was asked about. At a second signal it ends at once.
///
/// # Errors
/// Where it cannot start: each error names its mend.
pub async fn run(args: ServeArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start(logging::Verbosity::Running);
    let ending = Ending::prepared(args.listener.drain_delay.0)?;
    let database = args.database.open()?;
    let webhook_secrets = options::webhook_secrets(&args.webhook_secret_file)?;
    if args.webhook_secret_file.is_empty() {
        tracing::warn!("no --webhook-secret-file: GitHub's deliveries are refused");
    }
    let public_url = options::check_public_url(args.public_url.as_deref())?;
    let github = Arc::new(github_app::open(&args.github).await?);
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
        github: github.clone(),
    })
    .with_policy(args.claim_policy.into())
    .with_rate_limiter(Arc::new(PgRateLimiter::new(&database)))
    .with_events(Arc::new(TracingEvents))
    .with_webhook_secrets(webhook_secrets)
    .build()
    .map_err(|error| format!("{error}: give --github-client-id and --github-client-secret-file"))?;

    let listener = listener::bind(args.listen.0, "--listen").await?;
    let api = base_url(listener.local_addr()?);
    let public = public_url.clone().unwrap_or_else(|| api.clone());
    announce(&api, &public, args.json)?;
    let (refresher, refreshing) = Refresher::new(dockline.clone(), RefreshOptions::default());
    let refreshing = tokio::spawn(refreshing);
    let sweeping = args
        .reconcile_every
        .some()
        .map(|every| tokio::spawn(sweeping::keep(dockline.clone(), every, args.reconcile_unverified_for.0)));
    let health = Health::new(migrator, github, args.ready_github_within.some());
    let watching = tokio::spawn(health.clone().watch());
    let options = RouterOptions::default().with_refresher(refresher.clone()).with_readiness(health.clone());
    let options = public_url.into_iter().fold(options, RouterOptions::with_server_url);
    let router = dockline_axum::router(dockline, options);
    let purging = tokio::spawn(housekeeping::keep(PgHousekeeping::new(&database)));
    let limits = args.listener.limits();
    let stopped_at = StoppedAt::default();
    let (told, insisted) = ending.begin(health, stopped_at.clone());
    let serving = async {
        listener::serve(listener, router, limits, told).await;
        purging.abort();
        watching.abort();
        if let Some(sweeping) = sweeping {
            // Cut off anywhere it leaves nothing half done, and the next one goes on from there.
            sweeping.abort();
        }
        stopped_at.drain(&refresher, limits.grace).await;
        // Ended by the drain.
        let _ = refreshing.await;
        ExitCode::SUCCESS
    };
    Ok(tokio::select! {
        code = serving => code,
        () = insisted => ExitCode::FAILURE,
    })
}

fn announce(api: &str, public: &str, json: bool) -> io::Result<()> {
    let callback = format!("{public}/v1/github/installation/callback");
    let webhook = format!("{public}/v1/github/webhooks");
    let mut stdout = io::stdout().lock();
    if json {
        writeln!(stdout, "{}", json!({ "api": api, "callbackUrl": callback, "webhookUrl": webhook }))?;
    } else {
        writeln!(
            stdout,
            "listening on {api}\nthe App's callback URL at GitHub: {callback}\nthe App's webhook URL at GitHub:  {webhook}"
        )?;
    }
    stdout.flush()
}
