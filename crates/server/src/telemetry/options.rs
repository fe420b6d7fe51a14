use std::str::FromStr;

use clap::Args;

use crate::address::ListenAddr;
use crate::logging::LogFormat;

/// Options about what `serve` tells of itself.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logs and metrics")]
pub struct TelemetryArgs {
    /// How lines of the log look; they go to stderr. How much is logged is asked for by RUST_LOG, such as
    /// warn,dockline=debug.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", env = "DOCKLINE_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// Where /metrics is to be had, in Prometheus' format and without a key: ADDR, an address of its own that only your
    /// monitoring reaches; `api`, beside the API; or `off`. Left out, it is beside the API where that listens on a loopback
    /// address, and nowhere else.
    #[arg(long, value_name = "ADDR|api|off", env = "DOCKLINE_METRICS_LISTEN")]
    pub metrics_listen: Option<MetricsAt>,
    /// Where spans are sent to, by OTLP over HTTP: a collector's base URL, such as http://127.0.0.1:4318. Left out, to
    /// nobody.
    #[cfg(feature = "otel")]
    #[arg(long, value_name = "URL", env = "DOCKLINE_OTEL_ENDPOINT")]
    pub otel_endpoint: Option<String>,
}

/// Where `/metrics` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsAt {
    /// Beside the API.
    Api,
    /// Nowhere.
    Off,
    /// On an address of its own; port 0 takes a free one.
    Address(ListenAddr),
}

impl FromStr for MetricsAt {
    type Err = <ListenAddr as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "api" => Ok(Self::Api),
            "off" => Ok(Self::Off),
            address => address.parse().map(Self::Address),
        }
    }
}
