//! The hand-written rival.

use std::path::{Path, PathBuf};
use std::process::Command;

use dockline_bench::APP;

use super::{Github, Server, build};
use crate::Result;
use crate::database::Database;
use crate::options::repository;

/// Builds the rival, a package of its own, and returns the binary.
pub(crate) fn build_rival() -> Result<PathBuf> {
    eprintln!("building the rival …");
    let manifest = repository().join("crates/bench/rival/Cargo.toml");
    let manifest = manifest.to_str().ok_or("the repository's path is not UTF-8")?;
    Ok(build(&["--locked", "--manifest-path", manifest], None)?.join("dockline-bench-rival"))
}

/// Creates the rival's tables anew and starts it.
pub(crate) fn start_rival(
    binary: &Path,
    database: &Database,
    github: &Github,
    folder: &Path,
) -> Result<Server> {
    database.query(include_str!("../../rival/schema.sql"))?;
    let mut command = Command::new(binary);
    command
        .env("DATABASE_URL", database.url())
        .env("GITHUB_API_URL", github.api())
        .env("GITHUB_APP_ID", APP.to_string())
        .env("GITHUB_PRIVATE_KEY_FILE", github.key_file());
    Server::start(command, &folder.join("rival.log"))
}
