use std::str::FromStr;

use clap::Args;
use dockline_listener::ListenAddr;

use crate::logging::LogFormat;

/// Given to each by itself: of the struct, it would also be over what comes after it.
const HEADING: &str = "Logs and metrics";

/// Options about what `serve` tells of itself.
#[derive(Debug, Clone, Args)]
pub struct TelemetryArgs {
    /// How lines of the log look; they go to stderr. How much is logged is asked for by RUST_LOG, such as
    /// warn,dockline=debug.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", env = "DOCKLINE_LOG_FORMAT", help_heading = HEADING)]
    pub log_format: LogFormat,
    /// Where /metrics is to be had, in Prometheus' format and without a key: ADDR, an address of its own that only your
    /// monitoring reaches; `api`, beside the API; or `off`. Left out, it is beside the API where that listens on a loopback
    /// address, and nowhere else.
    #[arg(long, value_name = "ADDR|api|off", env = "DOCKLINE_METRICS_LISTEN", help_heading = HEADING)]
    pub metrics_listen: Option<MetricsAt>,
    /// Where spans are sent to, by OTLP over HTTP: a collector's base URL, such as http://127.0.0.1:4318. Left out, to
    /// nobody. For programs that were built with the feature `otel`.
    #[arg(
        long,
        value_name = "URL",
        env = "DOCKLINE_OTEL_ENDPOINT",
        value_parser = collector,
        help_heading = HEADING
    )]
    pub otel_endpoint: Option<String>,
}

fn collector(text: &str) -> Result<String, &'static str> {
    if cfg!(feature = "otel") {
        Ok(text.to_owned())
    } else {
        Err("this program was built without traces; build it with --features otel")
    }
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
