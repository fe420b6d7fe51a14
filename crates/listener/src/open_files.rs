//! The limit of open files: each connection takes a file descriptor.

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Reserved for everything but client connections: database, outgoing requests, files, standard streams.
#[cfg(unix)]
const RESERVED: usize = 256;

/// Connections that are allowed however low the limit is.
#[cfg(unix)]
const MIN_CONNECTIONS: usize = 16;

/// Raises this process's soft limit of open files so that `connections` fit, up to the hard limit (`ulimit -Hn`). Returns how
/// many connections fit, at most `connections`; logs a warning if they are fewer.
#[cfg(unix)]
#[must_use]
pub fn raise_open_file_limit(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = wanted_files(connections);
    // `None` is unlimited.
    let soft = limit.current.unwrap_or(u64::MAX);
    if soft >= wanted {
        return connections;
    }
    let raised = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
    let available =
        match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
            Ok(()) => raised,
            Err(error) => {
                tracing::warn!(%error, "raising the limit of open files failed");
                soft
            }
        };
    let connections = connections.min(connections_within(available));
    if available < wanted {
        tracing::warn!(
            connections,
            "the limit of open files allows fewer connections: raise it (ulimit -n, LimitNOFILE)"
        );
    }
    connections
}

#[cfg(unix)]
fn wanted_files(connections: usize) -> u64 {
    u64::try_from(connections.saturating_add(RESERVED)).unwrap_or(u64::MAX)
}

#[cfg(unix)]
fn connections_within(files: u64) -> usize {
    usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(RESERVED).max(MIN_CONNECTIONS)
}

/// Returns `connections`: this platform has no such limit.
#[cfg(not(unix))]
#[must_use]
pub const fn raise_open_file_limit(connections: usize) -> usize {
    connections
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_the_reserved_files_free() {
        assert_eq!(wanted_files(10_000), 10_256);
        assert_eq!(wanted_files(usize::MAX), u64::MAX);
        assert_eq!(connections_within(10_256), 10_000);
        assert_eq!(connections_within(256 + 17), 17);
        assert_eq!(connections_within(0), MIN_CONNECTIONS);
    }

    #[test]
    fn the_limit_of_this_process_is_raised_as_far_as_the_hard_limit() {
        let before = getrlimit(Resource::Nofile);
        let hard = before.maximum.unwrap_or(1 << 16).min(1 << 16);
        let fit = connections_within(hard);
        assert_eq!(raise_open_file_limit(fit), fit);
        assert!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX) >= hard);
        // Returns at most the requested number.
        assert_eq!(raise_open_file_limit(1), 1);
        if let Some(maximum) = before.maximum {
            assert_eq!(raise_open_file_limit(usize::MAX), connections_within(maximum));
        }
    }
}
