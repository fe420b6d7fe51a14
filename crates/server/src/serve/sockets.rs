//! The addresses on which `serve` listens.

use std::error::Error;
use std::io::{self, Write};

use dockline_listener::local_url;
use serde_json::json;
use tokio::net::TcpListener;

use super::options::ServeArgs;
use crate::http_server::bind;
use crate::storage::Storage;
use crate::telemetry::{self, MetricsAt};

/// The bound sockets.
pub(super) struct Sockets {
    pub(super) api: TcpListener,
    /// For `/metrics`, if it has an address of its own.
    pub(super) metrics: Option<TcpListener>,
    /// Whether the API serves `/metrics` too.
    pub(super) metrics_on_api: bool,
}

impl Sockets {
    /// Binds the sockets without serving anything yet.
    ///
    /// # Errors
    /// If an address is in use, or does not belong to this machine.
    pub(super) async fn bind(args: &ServeArgs) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let api = bind("--listen", args.listen).await?;
        let metrics_on_api = telemetry::is_on_api(args.telemetry.metrics_listen, api.local_addr()?);
        let metrics = match args.telemetry.metrics_listen {
            Some(MetricsAt::Address(address)) => Some(bind("--metrics-listen", address).await?),
            Some(MetricsAt::Api | MetricsAt::Off) | None => None,
        };
        Ok(Self { api, metrics, metrics_on_api })
    }

    /// Prints the addresses, the storage, and the URLs for the App's settings on GitHub.
    pub(super) fn announce(&self, public_url: Option<&str>, storage: &Storage, json: bool) -> io::Result<()> {
        let api = local_url(self.api.local_addr()?);
        let metrics = self.metrics.as_ref().map(TcpListener::local_addr).transpose()?.map(local_url);
        let metrics = metrics.or_else(|| self.metrics_on_api.then(|| api.clone()));
        let metrics = metrics.map(|url| format!("{url}/metrics"));
        let public = public_url.unwrap_or(&api);
        let callback = format!("{public}/v1/github/installation/callback");
        let webhook = format!("{public}/v1/github/webhooks");
        let mut stdout = io::stdout().lock();
        if json {
            let line = json!({
                "api": api, "callbackUrl": callback, "webhookUrl": webhook, "metrics": metrics,
                "databaseFile": storage.file(),
            });
            writeln!(stdout, "{line}")?;
        } else {
            writeln!(stdout, "listening on {api}")?;
            writeln!(stdout, "database: {}", storage.name())?;
            writeln!(stdout, "the App's callback URL on GitHub: {callback}")?;
            writeln!(stdout, "the App's webhook URL on GitHub:  {webhook}")?;
            let metrics = metrics.as_deref().unwrap_or("off; set --metrics-listen to serve them");
            writeln!(stdout, "metrics: {metrics}")?;
        }
        stdout.flush()
    }
}
