use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use dockline::ports::{DirectoryQuery, LoginFilter};
use dockline::{AccountId, Binding, InstallationId, OrganizationId, StoredFacts, WaitingPermission};
use serde_json::{Value, json};

use super::organization;
use super::output::{binding_json, facts_json};
use crate::app_database::AppDatabaseArgs;
use crate::config::ConfigErrors;
use crate::github_app::{self, GithubArgs};
use crate::reconcile::dockline;
use crate::storage::AppStorage;
use crate::terminal::{minute, visible};

/// An account has one installation of an App, but a login may be that of several accounts, which were renamed.
const MOST: u32 = 100;

/// Options of `dockline bindings show`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct ShowArgs {
    #[command(flatten)]
    database: AppDatabaseArgs,
    #[command(flatten)]
    github: GithubArgs,
    /// Show the binding of this organization.
    #[arg(value_name = "ORGANIZATION", group = "which", value_parser = organization)]
    organization: Option<OrganizationId>,
    /// Show the binding of the installation with this id.
    #[arg(long, value_name = "ID", group = "which")]
    installation: Option<InstallationId>,
    /// Show the binding on the account with this id.
    #[arg(long, value_name = "ID", group = "which")]
    account: Option<AccountId>,
    /// Show the bindings on accounts with this login.
    #[arg(long, value_name = "LOGIN", group = "which")]
    login: Option<String>,
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

struct Shown {
    binding: Binding,
    facts: Option<StoredFacts>,
    /// `None` if GitHub was not asked.
    waiting: Option<Vec<WaitingPermission>>,
}

pub(super) async fn run(args: ShowArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let storage = args.database.open().await?;
    let directory = storage.directory();
    let query = DirectoryQuery {
        organization: args.organization.clone(),
        installation: args.installation,
        account: args.account,
        login: args.login.clone().map(LoginFilter::Exact),
        ..DirectoryQuery::default()
    };
    let mut all = Vec::new();
    for binding in directory.list(&query, MOST).await? {
        let facts = directory.facts(binding.installation).await?;
        all.push(Shown { binding, facts, waiting: None });
    }
    if all.is_empty() {
        return Err("no live binding is found; dockline bindings history shows released ones".into());
    }
    if args.github.github_private_key.is_some()
        || args.github.github_private_key_file.is_some()
        || args.github.github_signer_command.is_some()
    {
        add_waiting(&args.github, &storage, &mut all).await?;
    }
    let mut stdout = io::stdout().lock();
    if args.json {
        let objects: Vec<Value> = all.iter().map(object).collect();
        writeln!(stdout, "{}", Value::from(objects))?;
    } else {
        let texts: Vec<String> = all.iter().map(text).collect();
        write!(stdout, "{}", texts.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks GitHub what the App requests.
async fn add_waiting(
    github: &GithubArgs,
    storage: &AppStorage,
    all: &mut [Shown],
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut errors = ConfigErrors::default();
    let Some(configured) = github.check(&mut errors) else { return Err(errors.into()) };
    let dockline = dockline(storage, github_app::open(&configured).await?)?;
    for shown in all {
        let Some(facts) = &shown.facts else { continue };
        match dockline.waiting_permissions(&facts.facts).await {
            Ok(waiting) => shown.waiting = Some(waiting),
            Err(error) => {
                let (cause, _) = github_app::cause_and_help(&error);
                tracing::warn!(cause, "GitHub does not say which permissions the App requests");
                break;
            }
        }
    }
    Ok(())
}

fn object(shown: &Shown) -> Value {
    let mut object = binding_json(&shown.binding);
    let facts = shown.facts.as_ref().map(|facts| facts_json(facts, shown.waiting.as_deref()));
    object.insert("facts".to_owned(), json!(facts));
    Value::from(object)
}

fn text(shown: &Shown) -> String {
    let Shown { binding, facts, waiting } = shown;
    let account = &binding.account;
    let life = &binding.life;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut lines = vec![
        ("organization", binding.organization.to_string()),
        ("installation", binding.installation.to_string()),
        ("account", visible(&format!("{} ({}, id {})", account.login, account.kind, account.id))),
        ("state", binding.state().to_string()),
        ("proof", binding.proof.to_string()),
        ("proven by", or_dash(binding.proven_by.map(|id| format!("GitHub account {id}")))),
        ("actor", binding.actor.to_string()),
        ("registered", minute(binding.registered_at)),
        ("last verified", minute(binding.last_verified_at)),
        ("last look", minute(life.observed_at)),
        ("next look", or_dash(life.next_look_at.map(minute))),
    ];
    match facts {
        None => lines.push(("facts", "not known yet; they are stored at the next look".to_owned())),
        Some(StoredFacts { facts, observed_at }) => {
            let permissions: Vec<_> =
                facts.permissions.iter().map(|(name, level)| format!("{name}: {level}")).collect();
            lines.push(("permissions", permissions.join(", ")));
            lines.push(("waiting", waiting_text(waiting.as_deref())));
            lines.push((
                "repositories",
                facts
                    .repository_selection
                    .map_or("not known", dockline::RepositorySelection::as_str)
                    .to_owned(),
            ));
            let suspender = |by: &dockline::Suspender| format!("{} (id {})", by.login, by.id);
            lines.push(("suspended by", or_dash(facts.suspended_by.as_ref().map(suspender))));
            lines.push(("settings", or_dash(facts.settings_url.clone())));
            lines.push(("facts of", observed_at.map_or_else(|| "a webhook".to_owned(), minute)));
        }
    }
    lines.iter().fold(String::new(), |mut text, (name, value)| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name:14}{value}");
        text
    })
}

fn waiting_text(waiting: Option<&[WaitingPermission]>) -> String {
    let Some(waiting) = waiting else {
        return "not known: set the options of the App to ask GitHub what it requests".to_owned();
    };
    let texts: Vec<_> = waiting
        .iter()
        .map(|WaitingPermission { name, requested, granted }| {
            format!("{name}: {requested} (granted: {})", granted.as_deref().unwrap_or("none"))
        })
        .collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(", ") }
}
