//! The hand-written rivals.

use std::path::{Path, PathBuf};
use std::process::Command;

use dockline_bench::APP;

use super::{Github, Server, build};
use crate::Result;
use crate::database::Database;
use crate::options::repository;

/// Builds the rival, a package of its own, and returns the binary.
pub(crate) fn build_rival(profile: &str) -> Result<PathBuf> {
    eprintln!("building the rival …");
    let manifest = repository().join("crates/bench/rival/Cargo.toml");
    let manifest = manifest.to_str().ok_or("the repository's path is not UTF-8")?;
    Ok(build(&["--locked", "--manifest-path", manifest], profile, None)?.join("dockline-bench-rival"))
}

/// Creates the rivals' tables anew.
pub(crate) fn create_tables(database: &Database) -> Result<()> {
    database.query(include_str!("../../rival/schema.sql")).map(drop)
}

/// Starts the rival, which pings the database before each statement if `pings`.
pub(crate) fn start_rival(
    binary: &Path,
    database: &Database,
    github: &Github,
    folder: &Path,
    pings: bool,
) -> Result<Server> {
    let mut rival = configured(Command::new(binary), database, github);
    if pings {
        rival.env("PING", "1");
    }
    Server::start(rival, &folder.join(if pings { "rival-pings.log" } else { "rival.log" }))
}

/// Installs the packages of the rival for Node, and returns the script.
pub(crate) fn install_fastify() -> Result<PathBuf> {
    eprintln!("installing fastify …");
    let (source, target) =
        (repository().join("crates/bench/fastify"), repository().join("target/benchmarks/fastify"));
    std::fs::create_dir_all(&target)?;
    for file in ["package.json", "package-lock.json", "server.js"] {
        std::fs::copy(source.join(file), target.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&target);
    match npm.status() {
        Ok(status) if status.success() => Ok(target.join("server.js")),
        Ok(_) => Err("npm ci failed: see above".into()),
        Err(error) => Err(format!("cannot start npm: {error}; --fastify needs Node and npm").into()),
    }
}

/// Starts the rival for Node, on the same tables.
pub(crate) fn start_fastify(
    script: &Path,
    database: &Database,
    github: &Github,
    folder: &Path,
) -> Result<Server> {
    let mut node = Command::new("node");
    node.arg(script).env("NODE_ENV", "production");
    Server::start(configured(node, database, github), &folder.join("fastify.log"))
}

fn configured(mut command: Command, database: &Database, github: &Github) -> Command {
    command
        .env("DATABASE_URL", database.url())
        .env("GITHUB_API_URL", github.api())
        .env("GITHUB_APP_ID", APP.to_string())
        .env("GITHUB_PRIVATE_KEY_FILE", github.key_file());
    command
}
