//! Logs go to stderr; stdout belongs to the guide, the JSON line and the walk.

use tracing_subscriber::EnvFilter;

/// What is logged where `RUST_LOG` says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// What happens in the demo, and other crates' warnings.
    Running,
    /// Errors: the walk refuses things on purpose, and its own lines tell of it.
    Walking,
}

/// Starts logging. A second call changes nothing.
pub fn start(verbosity: Verbosity) {
    let default = match verbosity {
        Verbosity::Running => "warn,dockline=info,dockline_axum=info,dockline_server=info",
        Verbosity::Walking => "error",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
