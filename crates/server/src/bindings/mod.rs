//! `dockline bindings`: lists, shows, detaches, exports and imports bindings.

mod detach;
mod export;
mod history;
mod import;
mod list;
mod output;
mod show;

use std::error::Error;
use std::process::ExitCode;

use clap::Subcommand;
use dockline::{BindingState, InvalidOrganizationId, OrganizationId, Proof, UnknownSpelling};

pub use detach::DetachArgs;
pub use export::ExportArgs;
pub use history::HistoryArgs;
pub use import::ImportArgs;
pub use list::ListArgs;
pub use show::ShowArgs;

use crate::logging;

/// The subcommands of `dockline bindings`.
#[derive(Debug, Clone, Subcommand)]
pub enum BindingsCommand {
    /// List live bindings, by the id of the organization, page by page.
    ///
    /// The options restrict the list to the bindings that meet all of them.
    List(Box<ListArgs>),
    /// Show live bindings with the stored facts about their installations.
    ///
    /// Exits with 1 if no binding is found. If the options of the App are set, reads from GitHub which permissions the
    /// App requests, and shows those that the account has not accepted.
    Show(Box<ShowArgs>),
    /// List all bindings of an organization or an installation, released ones included, oldest first.
    History(Box<HistoryArgs>),
    /// End the binding of an organization, as DELETE /v1/github/installation does.
    ///
    /// The organization can then bind any installation. Needs only the database. With --uninstall, it also needs the
    /// options of the App, which then select the App.
    Detach(Box<DetachArgs>),
    /// Print all live bindings, one JSON object per line, as import reads them.
    Export(Box<ExportArgs>),
    /// Bind installations to organizations without a visitor, on your responsibility, such as those of a system that
    /// Dockline replaces.
    ///
    /// Reads CSV with the columns organization, installationId, accountId and optionally login; or JSON lines with
    /// these names. GitHub must show each installation to this App on this account. Only checks the rows, unless
    /// --apply is set. Never changes an existing binding, so it can be repeated. Exits with 0 if every row is imported
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

/// Parses an organization of an option.
pub(crate) fn organization(text: &str) -> Result<OrganizationId, InvalidOrganizationId> {
    OrganizationId::new(text)
}

fn state(text: &str) -> Result<BindingState, UnknownSpelling> {
    text.parse()
}

fn proof(text: &str) -> Result<Proof, UnknownSpelling> {
    text.parse()
}
