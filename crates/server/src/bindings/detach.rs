use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::error::DetachError;
use dockline::ports::{Clock, Event, Events, ReleaseOutcome, SystemClock};
use dockline::{Actor, Binding, Caller, OrganizationId, OrganizationName, Uninstall};
use dockline_axum::TracingEvents;
use serde_json::{Value, json};

use super::organization;
use super::output::binding_json;
use crate::app_database::AppDatabaseArgs;
use crate::apps;
use crate::config::ConfigErrors;
use crate::github_app::{self, GithubArgs};
use crate::reconcile::dockline;
use crate::terminal::ConsentArgs;

/// Options of `dockline bindings detach`.
#[derive(Debug, Clone, Args)]
pub struct DetachArgs {
    #[command(flatten)]
    database: AppDatabaseArgs,
    #[command(flatten)]
    github: GithubArgs,
    /// The organization.
    #[arg(value_name = "ORGANIZATION", value_parser = organization)]
    organization: OrganizationId,
    /// Uninstall the App from the account first, which needs the App's options. If GitHub fails, the binding stays.
    #[arg(long)]
    uninstall: bool,
    /// Who asks for it, as recorded in the history and with the event: 1 to 128 visible characters.
    #[arg(long, value_name = "TEXT", default_value = "operator")]
    actor: Actor,
    #[command(flatten)]
    consent: ConsentArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: DetachArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let what = if args.uninstall { "Uninstall the App of" } else { "Detach" };
    if !args.consent.ask(&format!("{what} {}?", args.organization))? {
        return Err("nothing was changed".into());
    }
    let binding = if args.uninstall { uninstall(&args).await? } else { release(&args).await? };
    let mut stdout = io::stdout().lock();
    if args.json {
        let mut object = binding_json(&binding);
        object.insert("uninstalled".to_owned(), json!(args.uninstall));
        writeln!(stdout, "{}", Value::from(object))?;
    } else {
        let (organization, installation) = (binding.organization, binding.installation);
        writeln!(
            stdout,
            "detached {organization} from installation {installation} on {}",
            binding.account.login
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends the binding only, which needs no call to GitHub.
async fn release(args: &DetachArgs) -> Result<Binding, Box<dyn Error + Send + Sync>> {
    let bindings = args.database.open().await?.bindings();
    let organization = &args.organization;
    let bound = bindings.find(organization).await?.ok_or_else(|| not_bound(organization))?;
    let installation = bound.installation;
    match bindings.release(organization, installation, &args.actor, SystemClock.now()).await? {
        ReleaseOutcome::Released(binding) => {
            let (organization, actor) = (organization.clone(), args.actor.clone());
            TracingEvents.record(&Event::Detached { organization, actor, installation, uninstalled: false });
            Ok(binding)
        }
        ReleaseOutcome::NothingBound => Err(not_bound(organization).into()),
    }
}

/// Uninstalls the App, then ends the binding.
async fn uninstall(args: &DetachArgs) -> Result<Binding, Box<dyn Error + Send + Sync>> {
    let mut errors = ConfigErrors::default();
    let (database, configured) =
        (args.database.all_apps().check(&mut errors), args.github.check(&mut errors));
    let (Some(location), Some(configured)) = (database, configured) else { return Err(errors.into()) };
    let github = github_app::open(&configured).await?;
    let storage = location.open().await?;
    storage.check_migrated().await?;
    let storage = apps::open(&storage, &github, false).await?;
    let caller = Caller::new(args.organization.clone(), OrganizationName::new("-")?, args.actor.clone());
    match dockline(&storage, github)?.detach(&caller, Uninstall::Yes).await {
        Ok(binding) => Ok(binding),
        Err(DetachError::NotBound) => Err(not_bound(&args.organization).into()),
        Err(error) => Err(error.into()),
    }
}

fn not_bound(organization: &OrganizationId) -> String {
    format!("{organization} has no binding")
}
