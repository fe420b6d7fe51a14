use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::cluster::Cluster;
use crate::programs;
use crate::{run, without_package};

/// Builds the load harness and runs it with `arguments` on a PostgreSQL that syncs its writes to disk.
pub(crate) fn run_harness(arguments: &[String]) -> ExitCode {
    let (cluster, path) = match Cluster::durable().and_then(|cluster| Ok((cluster, search_path()?))) {
        Ok(started) => started,
        Err(error) => {
            eprintln!("xtask: {error}");
            return ExitCode::FAILURE;
        }
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = without_package(cargo);
    command
        .args(["run", "--quiet", "--release", "--package", "dockline-bench", "--", "run"])
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env("PATH", path)
        .env("DATABASE_URL", cluster.url());
    run(command)
}

/// Returns the PATH with the folder of PostgreSQL's programs, for psql and pgbench.
fn search_path() -> Result<OsString, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(programs::postgres()?).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).map_err(|error| error.to_string())
}
