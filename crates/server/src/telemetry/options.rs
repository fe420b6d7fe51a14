use std::str::FromStr;

use clap::Args;
use dockline_listener::ListenAddr;

use crate::logging::LogFormat;

/// Set for each option: if the struct sets it, clap applies it to the options that follow, too.
const HEADING: &str = "Logs and metrics";

/// Options about logs, metrics and traces.
#[derive(Debug, Clone, Args)]
pub struct TelemetryArgs {
    /// Format of the log, which goes to stderr. RUST_LOG sets the levels, such as warn,dockline=debug.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", env = "DOCKLINE_LOG_FORMAT", help_heading = HEADING)]
    pub log_format: LogFormat,
    /// Address of /metrics, in Prometheus text format, without a key: ADDR, a separate address that only your
    /// monitoring should reach; `api`, the API's address; or `off`. Default: `api` if the API listens on a loopback
    /// address, otherwise `off`.
    #[arg(long, value_name = "ADDR|api|off", env = "DOCKLINE_METRICS_LISTEN", help_heading = HEADING)]
    pub metrics_listen: Option<MetricsAt>,
    /// Base URL of the collector that receives spans by OTLP over HTTP, such as http://127.0.0.1:4318. Only in programs
    /// built with the feature `otel`.
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

/// The address of `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsAt {
    /// The API's address.
    Api,
    /// None.
    Off,
    /// A separate address; port 0 takes a free port.
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
