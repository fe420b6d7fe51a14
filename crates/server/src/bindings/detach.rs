use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::error::DetachError;
use dockline::{Actor, Caller, OrganizationId, OrganizationName, Uninstall};
use serde_json::{Value, json};

use super::output::binding_json;
use super::select::organization;
use crate::apps;
use crate::config::ConfigErrors;
use crate::consent::ConsentArgs;
use crate::database::{DatabaseArgs, migrator};
use crate::github_app::{self, GithubArgs};
use crate::reconcile::dockline;

/// Options of `dockline bindings detach`.
#[derive(Debug, Clone, Args)]
pub struct DetachArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    github: GithubArgs,
    /// The organization.
    #[arg(value_name = "ORGANIZATION", value_parser = organization)]
    organization: OrganizationId,
    /// Uninstall the App from the account first. If GitHub fails, the binding stays.
    #[arg(long)]
    uninstall: bool,
    /// Who asks for it, as recorded with the event: 1 to 128 visible characters.
    #[arg(long, value_name = "TEXT", default_value = "operator")]
    actor: Actor,
    #[command(flatten)]
    consent: ConsentArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: DetachArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let mut errors = ConfigErrors::default();
    let (database, configured) = (args.database.check(&mut errors), args.github.check(&mut errors));
    let (Some(database), Some(configured)) = (database, configured) else { return Err(errors.into()) };
    let organization = args.organization;
    let what = if args.uninstall { "Uninstall the App of" } else { "Detach" };
    if !args.consent.ask(&format!("{what} {organization}?"))? {
        return Err("nothing was changed".into());
    }
    let github = github_app::open(&configured).await?;
    migrator(&database).check().await?;
    let database = apps::open(&database, &github, false).await?;
    let caller = Caller::new(organization, OrganizationName::new("-")?, args.actor);
    let uninstall = if args.uninstall { Uninstall::Yes } else { Uninstall::No };
    let binding = match dockline(&database, github)?.detach(&caller, uninstall).await {
        Ok(binding) => binding,
        Err(DetachError::NotBound) => return Err(format!("{} has no binding", caller.organization).into()),
        Err(error) => return Err(error.into()),
    };
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
