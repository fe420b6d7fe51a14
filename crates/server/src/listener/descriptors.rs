//! File descriptors: each connection takes one.

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Those that are not connections: the database's, GitHub's, files, standard streams.
#[cfg(unix)]
const OTHERS: usize = 256;

/// Lets this process have so many connections as far as the operating system allows (the hard limit of `ulimit -n`), and
/// says how many those are.
#[cfg(unix)]
#[must_use]
pub fn room_for(connections: usize) -> usize {
    let wanted = u64::try_from(connections.saturating_add(OTHERS)).unwrap_or(u64::MAX);
    let limit = getrlimit(Resource::Nofile);
    // None is no limit at all.
    let soft = limit.current.unwrap_or(u64::MAX);
    if soft >= wanted {
        return connections;
    }
    let current = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limit.maximum });
    let room = if raised.is_ok() { current } else { soft };
    // At least a few, however little there is.
    let connections = usize::try_from(room).unwrap_or(usize::MAX).saturating_sub(OTHERS).max(16);
    if room < wanted {
        tracing::warn!(
            connections,
            "the limit of open files allows no more connections: raise it (ulimit -n, LimitNOFILE)"
        );
    }
    connections
}

/// Where there is no such limit, as many as are asked for.
#[cfg(not(unix))]
#[must_use]
pub const fn room_for(connections: usize) -> usize {
    connections
}
