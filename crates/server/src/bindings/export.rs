use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::BindingState;
use dockline::ports::{Clock, DirectoryQuery, SystemClock};
use serde_json::json;

use crate::app_database::AppDatabaseArgs;
use crate::terminal::Progress;

const PAGE: u32 = 1_000;

/// Options of `dockline bindings export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    database: AppDatabaseArgs,
}

pub(super) async fn run(args: ExportArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let storage = args.database.open().await?;
    let counts = storage.binding_counter().count(SystemClock.now()).await?;
    let total = counts.active + counts.suspended + counts.missing + counts.ending + counts.uninstalled;
    let progress = Progress::start(Some(total), false);
    let directory = storage.directory();
    let mut stdout = BufWriter::new(io::stdout());
    let mut query = DirectoryQuery::default();
    let (mut read, mut ended) = (0_u64, 0_u64);
    loop {
        let page = directory.list(&query, PAGE).await?;
        let Some(last) = page.last() else { break };
        query.after = Some(last.organization.clone());
        for binding in &page {
            read += 1;
            // An import would refuse it.
            if binding.state() == BindingState::Uninstalled {
                ended += 1;
                continue;
            }
            let row = json!({
                "organization": binding.organization,
                "installationId": binding.installation,
                "accountId": binding.account.id,
                "login": binding.account.login,
            });
            writeln!(stdout, "{row}")?;
        }
        progress.set(read, format!("{read} bindings"));
    }
    stdout.flush()?;
    progress.finish();
    eprintln!("exported {} bindings; left out {ended} whose installation was uninstalled", read - ended);
    Ok(ExitCode::SUCCESS)
}
