//! The listener's options of `dockline serve`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use dockline_listener::{Limits, raise_open_file_limit};

use crate::config::DurationArg;

/// Set for each option: if the struct sets it, clap applies it to the options that follow, too.
const HEADING: &str = "Listener";

/// Limits of the listener, and its shutdown.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListenerArgs {
    /// Open connections; further ones wait in the accept queue of the operating system. Lower if the limit of open files
    /// (ulimit -n) does not allow it.
    #[arg(long, help_heading = HEADING, value_name = "N", env = "DOCKLINE_MAX_CONNECTIONS", default_value_t = 10_240,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub(crate) max_connections: usize,
    /// Open connections per public client address (IPv6: per /64 network); further ones are closed. Set 0, no limit, if a
    /// proxy in front has a public address. Loopback and private addresses are never limited.
    #[arg(long, help_heading = HEADING, value_name = "N", env = "DOCKLINE_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 256)]
    pub(crate) max_connections_per_address: usize,
    /// Requests processed at a time, over all connections; further ones wait, see --max-waiting-requests.
    #[arg(long, help_heading = HEADING, value_name = "N", env = "DOCKLINE_MAX_REQUESTS", default_value_t = 1_024,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub(crate) max_requests: usize,
    /// Requests that wait until one of --max-requests has ended; further ones get a 503 at once.
    #[arg(long, help_heading = HEADING, value_name = "N", env = "DOCKLINE_MAX_WAITING_REQUESTS", default_value_t = 256,
        value_parser = RangedU64ValueParser::<usize>::new().range(0..=1_000_000))]
    pub(crate) max_waiting_requests: usize,
    /// How long a 429 or a 503 is held back before it is sent, so that clients that repeat their requests at once take little
    /// from the others. Probes are exempt.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", env = "DOCKLINE_REFUSAL_DELAY", default_value = "250ms", value_parser = refusal_delay)]
    pub(crate) refusal_delay: DurationArg,
    /// Maximum size of a request head, at least 8192.
    #[arg(long, help_heading = HEADING, value_name = "BYTES", env = "DOCKLINE_MAX_HEADER_BYTES", default_value_t = 32 * 1024,
        value_parser = RangedU64ValueParser::<usize>::new().range(8_192..=1_048_576))]
    pub(crate) max_header_bytes: usize,
    /// Time to receive a request head, from its first byte, and to receive the first byte of a new connection.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", env = "DOCKLINE_HEADER_TIMEOUT", default_value = "10s", value_parser = timeout)]
    pub(crate) header_timeout: DurationArg,
    /// Time to receive a request body, from the end of its head.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", env = "DOCKLINE_BODY_TIMEOUT", default_value = "30s", value_parser = timeout)]
    pub(crate) body_timeout: DurationArg,
    /// How long a client may read nothing of its response before the connection is cut.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", env = "DOCKLINE_WRITE_TIMEOUT", default_value = "30s", value_parser = timeout)]
    pub(crate) write_timeout: DurationArg,
    /// How long a connection without a request stays open. Set it longer than a proxy in front keeps its idle connections, so
    /// that the proxy closes them.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", env = "DOCKLINE_IDLE_TIMEOUT", default_value = "75s", value_parser = timeout)]
    pub(crate) idle_timeout: DurationArg,
    /// How long new requests are still served after SIGTERM, while /readyz reports not ready. Set it to the time that load
    /// balancers need to notice.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", env = "DOCKLINE_DRAIN_DELAY", default_value = "0")]
    pub(crate) drain_delay: DurationArg,
    /// Time for open requests, and for refreshes that webhooks caused, to finish after that.
    #[arg(long, help_heading = HEADING, value_name = "DURATION", env = "DOCKLINE_SHUTDOWN_GRACE", default_value = "20s")]
    pub(crate) shutdown_grace: DurationArg,
}

impl ListenerArgs {
    /// Returns the limits. Raises the limit of open files as far as possible, and stays below it.
    #[must_use]
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            head_timeout: self.header_timeout.0,
            body_timeout: self.body_timeout.0,
            write_timeout: self.write_timeout.0,
            idle_timeout: self.idle_timeout.0,
            max_head_bytes: self.max_header_bytes,
            max_connections: raise_open_file_limit(self.max_connections),
            max_connections_per_address: NonZeroUsize::new(self.max_connections_per_address),
            max_requests: self.max_requests,
            max_waiting_requests: self.max_waiting_requests,
            refusal_delay: self.refusal_delay.0,
            shutdown_grace: self.shutdown_grace.0,
            ..Limits::default()
        }
    }
}

fn timeout(text: &str) -> Result<DurationArg, &'static str> {
    let duration: DurationArg = text.parse()?;
    if duration.0 < Duration::from_secs(1) { Err("set at least 1s") } else { Ok(duration) }
}

fn refusal_delay(text: &str) -> Result<DurationArg, &'static str> {
    let duration: DurationArg = text.parse()?;
    if duration.0 > Duration::from_secs(5) { Err("set at most 5s") } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct CommandLine {
        #[command(flatten)]
        listener: ListenerArgs,
    }

    #[test]
    fn defaults_of_the_options_are_those_of_the_listener() {
        let args = CommandLine::try_parse_from(["dockline"]).unwrap().listener;
        let expected = Limits {
            max_connections_per_address: NonZeroUsize::new(256),
            max_connections: raise_open_file_limit(args.max_connections),
            ..Limits::default()
        };
        assert_eq!(format!("{:?}", args.limits()), format!("{expected:?}"));
    }

    #[test]
    fn every_option_sets_its_limit() {
        let args = CommandLine::try_parse_from([
            "dockline",
            "--max-connections=11",
            "--max-connections-per-address=12",
            "--max-requests=13",
            "--max-waiting-requests=20",
            "--refusal-delay=21ms",
            "--max-header-bytes=14000",
            "--header-timeout=15s",
            "--body-timeout=16s",
            "--write-timeout=17s",
            "--idle-timeout=18s",
            "--shutdown-grace=19s",
        ]);
        let expected = Limits {
            max_connections: 11,
            max_connections_per_address: NonZeroUsize::new(12),
            max_requests: 13,
            max_waiting_requests: 20,
            refusal_delay: Duration::from_millis(21),
            max_head_bytes: 14_000,
            head_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(16),
            write_timeout: Duration::from_secs(17),
            idle_timeout: Duration::from_secs(18),
            shutdown_grace: Duration::from_secs(19),
            ..Limits::default()
        };
        assert_eq!(format!("{:?}", args.unwrap().listener.limits()), format!("{expected:?}"));
    }

    #[test]
    fn limits_that_allow_no_request_are_rejected() {
        for option in [
            "--max-connections=0",
            "--max-requests=0",
            "--max-header-bytes=8191",
            "--header-timeout=0",
            "--idle-timeout=0s",
        ] {
            assert!(CommandLine::try_parse_from(["dockline", option]).is_err(), "{option}");
        }
        let args = CommandLine::try_parse_from(["dockline", "--max-connections-per-address=0"]).unwrap();
        assert_eq!(args.listener.limits().max_connections_per_address, None);
    }
}
