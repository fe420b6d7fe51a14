//! `--forward-to`: the options, and the parts that store messages and send them to the product.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use dockline::ports::{Clock, MessageSender, Outbox, SystemClock};
use dockline::{AppId, Backlog, Builder, PortError};
use dockline_forward::{Endpoint, HttpSender, SigningSecret, SigningSecrets};
use dockline_postgres::Pool;
use dockline_worker::{ForwardOptions, OutboxSignal, WorkerBuilder};
use secrecy::SecretString;

use crate::config::secret::SecretListOptions;
use crate::config::{ConfigError, ConfigErrors};
use crate::storage::{AppOutbox, AppStorage};

/// Set for each option: if the struct sets it, clap applies it to the options that follow, too.
const HEADING: &str = "Forwarding";

/// Options of forwarding to the product.
#[derive(Debug, Clone, Args)]
pub(crate) struct ForwardArgs {
    /// URL of the product that receives GitHub's deliveries and events of installations, signed by Standard Webhooks: https,
    /// or http on this machine only. Without it, deliveries of events such as push are not passed on.
    #[arg(long, help_heading = HEADING, value_name = "URL", env = "DOCKLINE_FORWARD_TO")]
    pub(crate) forward_to: Option<String>,
    /// Secret that signs what is forwarded: whsec_ and 24 to 64 random bytes in base64. Set two while you change it; messages
    /// then have both signatures. In the environment, one per line.
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "SECRET",
        value_delimiter = '\n',
        env = "DOCKLINE_FORWARD_SECRET",
        hide_env_values = true
    )]
    pub(crate) forward_secret: Vec<SecretString>,
    /// File that contains the secret that signs what is forwarded. Set two while you change it. In the environment, separated
    /// by a comma.
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "FILE",
        value_delimiter = ',',
        env = "DOCKLINE_FORWARD_SECRET_FILE"
    )]
    pub(crate) forward_secret_file: Vec<PathBuf>,
}

/// The product's endpoint and the signing secrets.
#[derive(Debug, Clone)]
pub(crate) struct ForwardTarget {
    pub(crate) endpoint: Endpoint,
    secrets: SigningSecrets,
}

impl ForwardArgs {
    /// Returns the number of secrets.
    pub(crate) fn secrets(&self) -> usize {
        self.forward_secret.len() + self.forward_secret_file.len()
    }

    /// Checks the options without a network call. Returns `None` if they are not set, or if it added to `errors`.
    pub(crate) fn check(&self, errors: &mut ConfigErrors) -> Option<ForwardTarget> {
        let before = errors.0.len();
        let secrets = self.read_secrets(errors);
        let Some(url) = &self.forward_to else {
            if self.secrets() > 0 {
                errors.push(ConfigError::new(
                    "--forward-secret",
                    "is set, but --forward-to is not",
                    "set the URL of the product with --forward-to, or remove the secret",
                ));
            }
            return None;
        };
        let from_error = |place: &'static str| move |error| config_error(place, &error);
        let endpoint = errors.check(url.parse::<Endpoint>().map_err(from_error("--forward-to")));
        if errors.0.len() > before {
            return None;
        }
        let secrets = errors.check(SigningSecrets::new(secrets).map_err(from_error("--forward-secret-file")));
        Some(ForwardTarget { endpoint: endpoint?, secrets: secrets? })
    }

    fn read_secrets(&self, errors: &mut ConfigErrors) -> Vec<SigningSecret> {
        let options = SecretListOptions {
            name: "forward-secret",
            texts: &self.forward_secret,
            files: &self.forward_secret_file,
        };
        let mut secrets = Vec::new();
        for (place, text) in options.read(errors) {
            let secret = SigningSecret::parse(&text);
            secrets.extend(errors.check(secret.map_err(|error| config_error(place, &error))));
        }
        secrets
    }
}

fn config_error(place: impl Into<String>, error: &dockline_forward::ConfigError) -> ConfigError {
    ConfigError::new(place, error.cause(), error.help())
}

/// The parts that store messages and send them.
pub(super) struct Forwarding {
    outbox: AppOutbox,
    sender: Arc<dyn MessageSender>,
    signal: OutboxSignal,
}

impl Forwarding {
    /// Opens the App's outbox. On PostgreSQL, its deliveries are stored over connections that `pool` makes.
    ///
    /// # Errors
    /// If the storage fails, or the HTTPS client cannot be built.
    pub(super) async fn open(
        storage: &AppStorage,
        pool: impl FnOnce(usize) -> Result<Pool, ConfigErrors> + Send,
        app: AppId,
        target: ForwardTarget,
    ) -> Result<Self, ForwardError> {
        let ForwardTarget { endpoint, secrets } = target;
        let sender = Arc::new(HttpSender::new(app, endpoint, secrets)?);
        let outbox = storage.open_outbox(|connections| pool(connections).map_err(ForwardError::from)).await?;
        Ok(Self { outbox, sender, signal: OutboxSignal::default() })
    }

    /// Makes `Dockline` store deliveries.
    pub(super) fn store_deliveries(&self, builder: Builder) -> Builder {
        builder.with_delivery_store(self.signal.after(self.outbox.delivery_store()))
    }

    /// Adds the part that sends them.
    pub(super) fn add_to(&self, worker: WorkerBuilder) -> WorkerBuilder {
        let options = ForwardOptions::default().with_signal(self.signal.clone());
        worker.with_forwarder(self.outbox.port(), Arc::clone(&self.sender), options)
    }
}

/// Returns the App's outbox if it is open: another program consumes it, or `--forward-to` was removed. Warns if messages wait.
pub(super) async fn outbox_of_others(storage: &AppStorage) -> Result<Option<Arc<dyn Outbox>>, PortError> {
    let outbox = storage.outbox();
    if !outbox.usage(SystemClock.now()).await?.is_open {
        return Ok(None);
    }
    let outbox = outbox.port();
    let Backlog { waiting, set_aside, .. } = outbox.backlog().await?;
    if waiting + set_aside > 0 {
        tracing::warn!(
            waiting,
            set_aside,
            "messages for the product wait, but --forward-to is not set: unless another program consumes them, set it, or \
             delete them with dockline deliveries close"
        );
    }
    Ok(Some(outbox))
}

/// Why forwarding cannot begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum ForwardError {
    /// The HTTPS client cannot be built.
    #[error(transparent)]
    Client(#[from] dockline_forward::ConfigError),
    /// The connections cannot be configured.
    #[error(transparent)]
    Connections(#[from] ConfigErrors),
    /// The outbox cannot be opened.
    #[error("the outbox cannot be opened")]
    Outbox(#[from] PortError),
}
