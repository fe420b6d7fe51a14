//! Where `serve` listens, and what it says of it.

use std::error::Error;
use std::io::{self, Write};

use serde_json::json;
use tokio::net::TcpListener;

use super::options::ServeArgs;
use crate::address::base_url;
use crate::listener;
use crate::telemetry::{self, MetricsAt};

/// What is listened on.
pub(super) struct Listening {
    pub(super) api: TcpListener,
    /// Where `/metrics` has an address of its own.
    pub(super) metrics: Option<TcpListener>,
    /// Whether `/metrics` is beside the API.
    pub(super) metrics_on_api: bool,
}

impl Listening {
    /// Listens, and serves nothing yet.
    ///
    /// # Errors
    /// Where an address is taken or is none of this machine's.
    pub(super) async fn begin(args: &ServeArgs) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let api = listener::bind(args.listen.0, "--listen").await?;
        let metrics_on_api = telemetry::is_on_api(args.telemetry.metrics_listen, api.local_addr()?);
        let metrics = match args.telemetry.metrics_listen {
            Some(MetricsAt::Address(address)) => Some(listener::bind(address.0, "--metrics-listen").await?),
            Some(MetricsAt::Api | MetricsAt::Off) | None => None,
        };
        Ok(Self { api, metrics, metrics_on_api })
    }

    /// Says on stdout where it listens, and what GitHub has to be told.
    pub(super) fn announce(&self, public_url: Option<&str>, json: bool) -> io::Result<()> {
        let api = base_url(self.api.local_addr()?);
        let metrics = self.metrics.as_ref().map(TcpListener::local_addr).transpose()?.map(base_url);
        let metrics = metrics.or_else(|| self.metrics_on_api.then(|| api.clone()));
        let metrics = metrics.map(|url| format!("{url}/metrics"));
        let public = public_url.unwrap_or(&api);
        let callback = format!("{public}/v1/github/installation/callback");
        let webhook = format!("{public}/v1/github/webhooks");
        let mut stdout = io::stdout().lock();
        if json {
            let told =
                json!({ "api": api, "callbackUrl": callback, "webhookUrl": webhook, "metrics": metrics });
            writeln!(stdout, "{told}")?;
        } else {
            writeln!(stdout, "listening on {api}")?;
            writeln!(stdout, "the App's callback URL at GitHub: {callback}")?;
            writeln!(stdout, "the App's webhook URL at GitHub:  {webhook}")?;
            let metrics = metrics.as_deref().unwrap_or("nowhere; --metrics-listen says where");
            writeln!(stdout, "metrics: {metrics}")?;
        }
        stdout.flush()
    }
}
