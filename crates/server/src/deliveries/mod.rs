//! `dockline deliveries`: lists and shows the messages for the product, sends them again, and closes the outbox.

mod close;
mod list;
mod output;
mod retry;
mod show;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use dockline::ports::{EntryFilter, Outbox};
use dockline::{EntryStatus, MessageId, OrganizationId};

pub use close::CloseArgs;
pub use list::ListArgs;
pub use retry::RetryArgs;
pub use show::ShowArgs;

use crate::app_database::AppDatabaseArgs;
use crate::logging;

/// The subcommands of `dockline deliveries`.
#[derive(Debug, Clone, Subcommand)]
pub enum DeliveriesCommand {
    /// List the messages for the product: deliveries of GitHub and events, by organization and sequence, page by page.
    List(Box<ListArgs>),
    /// Show a message.
    Show(Box<ShowArgs>),
    /// Send messages again, whatever their status.
    ///
    /// A message that waits for its turn stays in order; any other is sent out of order. The product gets it with the same id.
    /// Exits with 0 if every message will be sent, otherwise with 1.
    Retry(Box<RetryArgs>),
    /// Close the outbox: delete all messages for the product, and store no more events.
    ///
    /// For an App whose messages nothing consumes any more: no node has --forward-to, and no program of yours reads the
    /// outbox. Stop those first, since a running one continues without events. Deletes the messages that wait, are set
    /// aside or dead, which the product never gets, and the keys of accepted ones, so that a redelivery of GitHub
    /// counts as new. Bindings, their history and API keys stay. dockline serve --forward-to opens the outbox again;
    /// sequence then starts at 1.
    Close(Box<CloseArgs>),
}

/// Which messages.
#[derive(Debug, Clone, Args)]
struct FilterArgs {
    /// Only messages of this organization.
    #[arg(long, value_name = "ID", value_parser = organization)]
    organization: Option<OrganizationId>,
    /// Only messages with this status: waiting, set_aside, dead or done.
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<EntryStatus>,
}

impl FilterArgs {
    fn filter(self) -> EntryFilter {
        EntryFilter { organization: self.organization, status: self.status }
    }
}

fn organization(text: &str) -> Result<OrganizationId, dockline::InvalidOrganizationId> {
    OrganizationId::new(text)
}

fn status(text: &str) -> Result<EntryStatus, dockline::UnknownSpelling> {
    text.parse()
}

fn message_id(text: &str) -> Result<MessageId, dockline::InvalidMessageId> {
    text.parse()
}

fn unknown(id: &MessageId) -> String {
    format!("there is no message {id}; dockline deliveries list shows all messages")
}

async fn open(database: &AppDatabaseArgs) -> Result<Arc<dyn Outbox>, Box<dyn Error + Send + Sync>> {
    Ok(database.open().await?.outbox().port())
}

/// Runs the subcommand.
///
/// # Errors
/// If the configuration is invalid, the database cannot be reached or is not migrated, or a message does not exist.
pub async fn run(command: DeliveriesCommand) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    match command {
        DeliveriesCommand::List(args) => list::run(*args).await,
        DeliveriesCommand::Show(args) => show::run(*args).await,
        DeliveriesCommand::Retry(args) => retry::run(*args).await,
        DeliveriesCommand::Close(args) => close::run(*args).await,
    }
}
