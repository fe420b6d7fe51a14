//! `dockline bindings`: lists, shows, detaches, exports and imports bindings.

mod detach;
mod export;
mod history;
mod import;
mod list;
mod output;
mod select;
mod show;

use std::error::Error;
use std::process::ExitCode;

use clap::Subcommand;

pub use detach::DetachArgs;
pub use export::ExportArgs;
pub use history::HistoryArgs;
pub use import::ImportArgs;
pub use list::ListArgs;
pub(crate) use select::organization;
pub use show::ShowArgs;

use crate::logging;

/// The subcommands of `dockline bindings`.
#[derive(Debug, Clone, Subcommand)]
pub enum BindingsCommand {
    /// List live bindings, by the id of the organization, page by page.
    ///
    /// The options restrict the list to the bindings that meet all of them.
    List(Box<ListArgs>),
    /// Show live bindings with everything that is known of their installations.
    ///
    /// Exits with 1 if no binding is found. If the options of the App are set, GitHub is asked which permissions the App
    /// requests, to show those that wait for acceptance.
    Show(Box<ShowArgs>),
    /// List all bindings of an organization or an installation, released ones included, oldest first.
    History(Box<HistoryArgs>),
    /// End the binding of an organization, as DELETE /v1/github/installation does.
    ///
    /// The organization can then bind any installation. Needs the database only; with --uninstall, the options of the App, too,
    /// which then says which App it is.
    Detach(Box<DetachArgs>),
    /// Print all live bindings, one JSON object per line, as import reads them.
    Export(Box<ExportArgs>),
    /// Bind installations to organizations on your word, such as those of a system that Dockline replaces.
    ///
    /// Reads CSV with the columns organization, installationId, accountId and, if you like, login; or JSON lines with these
    /// names. GitHub is asked about each installation, and must show it to this App on this account. Only checks the rows,
    /// unless --apply is set. Never changes an existing binding, so it can be repeated. Exits with 0 if every row is imported
    /// or was bound like this before, otherwise with 1.
    Import(Box<ImportArgs>),
}

/// Runs the subcommand.
///
/// # Errors
/// If the configuration is invalid, or the database cannot be reached or is not migrated.
pub async fn run(command: BindingsCommand) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    match command {
        BindingsCommand::List(args) => list::run(*args).await,
        BindingsCommand::Show(args) => show::run(*args).await,
        BindingsCommand::History(args) => history::run(*args).await,
        BindingsCommand::Detach(args) => detach::run(*args).await,
        BindingsCommand::Export(args) => export::run(*args).await,
        BindingsCommand::Import(args) => import::run(*args).await,
    }
}
