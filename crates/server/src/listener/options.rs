//! What can be told about the listener of `dockline serve`.

use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::descriptors::room_for;
use super::limits::Limits;
use crate::period::Period;

/// Given to each by itself: of the struct, it would also be over what comes after it.
const HEADING: &str = "Listener";

/// Limits of the listener, and how it ends.
#[derive(Debug, Clone, Args)]
pub struct ListenerArgs {
    /// Connections at a time; further ones wait in the operating system's queue. Lower where the limit of open files
    /// (ulimit -n) allows no more.
    #[arg(long, help_heading = HEADING, value_name = "N", env = "DOCKLINE_MAX_CONNECTIONS", default_value_t = 10_240,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_connections: usize,
    /// Connections at a time of one public address (of IPv6, of one /64); further ones are closed. 0 for no limit: behind
    /// a proxy that is reached by a public address. Loopback and private addresses are never counted.
    #[arg(long, help_heading = HEADING, value_name = "N", env = "DOCKLINE_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 256)]
    pub max_connections_per_address: usize,
    /// Requests that are worked on at a time, over all connections; further ones wait.
    #[arg(long, help_heading = HEADING, value_name = "N", env = "DOCKLINE_MAX_REQUESTS", default_value_t = 1_024,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_requests: usize,
    /// Bytes of a request's head at the most, 8192 at least.
    #[arg(long, help_heading = HEADING, value_name = "BYTES", env = "DOCKLINE_MAX_HEADER_BYTES", default_value_t = 32 * 1024,
        value_parser = RangedU64ValueParser::<usize>::new().range(8_192..=1_048_576))]
    pub max_header_bytes: usize,
    /// Time for a request's head from its first byte, and for the first byte of a new connection.
    #[arg(long, help_heading = HEADING, value_name = "PERIOD", env = "DOCKLINE_HEADER_TIMEOUT", default_value = "10s", value_parser = some)]
    pub header_timeout: Period,
    /// Time for a request's body, from the end of its head.
    #[arg(long, help_heading = HEADING, value_name = "PERIOD", env = "DOCKLINE_BODY_TIMEOUT", default_value = "30s", value_parser = some)]
    pub body_timeout: Period,
    /// How long a client may take nothing of an answer.
    #[arg(long, help_heading = HEADING, value_name = "PERIOD", env = "DOCKLINE_WRITE_TIMEOUT", default_value = "30s", value_parser = some)]
    pub write_timeout: Period,
    /// How long a connection is kept without a request: longer than a proxy in front keeps its own, so that it is the
    /// proxy that closes.
    #[arg(long, help_heading = HEADING, value_name = "PERIOD", env = "DOCKLINE_IDLE_TIMEOUT", default_value = "75s", value_parser = some)]
    pub idle_timeout: Period,
    /// How long requests are still taken after SIGTERM, while /readyz says that the node is ending: as long as whoever
    /// sends requests here needs to notice.
    #[arg(long, help_heading = HEADING, value_name = "PERIOD", env = "DOCKLINE_DRAIN_DELAY", default_value = "0")]
    pub drain_delay: Period,
    /// How long running requests, and questions to GitHub that webhooks gave rise to, may then take to end.
    #[arg(long, help_heading = HEADING, value_name = "PERIOD", env = "DOCKLINE_SHUTDOWN_GRACE", default_value = "20s")]
    pub shutdown_grace: Period,
}

impl ListenerArgs {
    /// The limits. Raises the limit of open files as far as it can, and stays below it.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            head: self.header_timeout.0,
            body: self.body_timeout.0,
            write: self.write_timeout.0,
            idle: self.idle_timeout.0,
            head_bytes: self.max_header_bytes,
            connections: room_for(self.max_connections),
            connections_per_address: Some(self.max_connections_per_address).filter(|most| *most > 0),
            requests: self.max_requests,
            grace: self.shutdown_grace.0,
            ..Limits::default()
        }
    }
}

/// A period that is not nothing.
fn some(text: &str) -> Result<Period, &'static str> {
    let period: Period = text.parse()?;
    if period.0 < Duration::from_secs(1) { Err("at least 1s") } else { Ok(period) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        listener: ListenerArgs,
    }

    #[test]
    fn what_is_said_by_default_is_what_the_listener_does_by_default() {
        let typed = Typed::try_parse_from(["dockline"]).unwrap().listener;
        let expected = Limits {
            connections_per_address: Some(256),
            connections: room_for(typed.max_connections),
            ..Limits::default()
        };
        assert_eq!(format!("{:?}", typed.limits()), format!("{expected:?}"));
    }

    #[test]
    fn limits_that_would_lock_everybody_out_are_refused() {
        for bad in [
            "--max-connections=0",
            "--max-requests=0",
            "--max-header-bytes=8191",
            "--header-timeout=0",
            "--idle-timeout=0s",
        ] {
            assert!(Typed::try_parse_from(["dockline", bad]).is_err(), "{bad}");
        }
        let typed = Typed::try_parse_from(["dockline", "--max-connections-per-address=0"]).unwrap();
        assert_eq!(typed.listener.limits().connections_per_address, None);
    }
}
