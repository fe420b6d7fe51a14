use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::ports::{Clock, DirectoryQuery, LoginFilter, SystemClock};
use dockline::{AccountId, Binding, BindingState, OrganizationId, Proof};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::output::binding_json;
use super::{organization, proof, state};
use crate::app_database::AppDatabaseArgs;
use crate::config::DurationArg;
use crate::terminal::{self, minute, visible};

const HEADINGS: [&str; 8] = [
    "ORGANIZATION",
    "STATE",
    "ACCOUNT",
    "ACCOUNT ID",
    "INSTALLATION",
    "PROOF",
    "REGISTERED",
    "LAST VERIFIED",
];

/// Options of `dockline bindings list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    #[command(flatten)]
    database: AppDatabaseArgs,
    /// List only bindings in this state: active, suspended, missing, ending, absent or uninstalled.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<BindingState>,
    /// List only bindings with this proof: state, visible, installed, administered or imported.
    #[arg(long, value_name = "PROOF", value_parser = proof)]
    proof: Option<Proof>,
    /// List only bindings on accounts whose login starts like this.
    #[arg(long, value_name = "TEXT")]
    login: Option<String>,
    /// List only bindings on the account with this id.
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// List only bindings that GitHub has not shown for this long, such as 2h, without those that were uninstalled.
    #[arg(long, value_name = "DURATION")]
    unverified_for: Option<DurationArg>,
    /// Start after this organization: the last one of the page before.
    #[arg(long, value_name = "ORGANIZATION", value_parser = organization)]
    after: Option<OrganizationId>,
    /// Print at most this many bindings.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Print one JSON object: bindings, and next, the value of --after for the next page.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: ListArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let now = SystemClock.now();
    let verified_before = args.unverified_for.map(|age| {
        let age = time::Duration::try_from(age.0).unwrap_or(time::Duration::MAX);
        now.checked_sub(age).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    });
    let query = DirectoryQuery {
        state: args.state,
        proof: args.proof,
        login: args.login.map(LoginFilter::Prefix),
        account: args.account,
        verified_before,
        after: args.after,
        ..DirectoryQuery::default()
    };
    let directory = args.database.open().await?.directory();
    // One more shows whether there is a next page.
    let mut bindings = directory.list(&query, args.limit + 1).await?;
    let is_last = bindings.len() <= args.limit as usize;
    bindings.truncate(args.limit as usize);
    let next = bindings.last().filter(|_| !is_last).map(|last| last.organization.clone());
    let mut stdout = io::stdout().lock();
    if args.json {
        let bindings: Vec<_> = bindings.iter().map(|binding| Value::from(binding_json(binding))).collect();
        writeln!(stdout, "{}", json!({ "bindings": bindings, "next": next }))?;
    } else {
        write!(stdout, "{}", terminal::table(HEADINGS, bindings.iter().map(cells)))?;
        if let Some(next) = next {
            writeln!(io::stderr(), "There are more: repeat with --after '{next}'")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn cells(binding: &Binding) -> [String; HEADINGS.len()] {
    [
        binding.organization.to_string(),
        binding.state().to_string(),
        visible(&format!("{} ({})", binding.account.login, binding.account.kind)),
        binding.account.id.to_string(),
        binding.installation.to_string(),
        binding.proof.to_string(),
        minute(binding.registered_at),
        minute(binding.last_verified_at),
    ]
}
