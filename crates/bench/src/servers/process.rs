//! Starts programs and builds them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::Result;
use crate::options::repository;

/// A running server. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a program and waits for the line of JSON in which it names its address as `api`. Its log goes to a file.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.stdout(Stdio::piped()).stderr(File::create(log)?).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        match address(&line) {
            Some(address) => Ok(Self { child, address }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                Err(format!("{program} did not start; see {}", log.display()).into())
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(line: &str) -> Option<SocketAddr> {
    let announced: Value = serde_json::from_str(line).ok()?;
    announced.get("api")?.as_str()?.strip_prefix("http://")?.parse().ok()
}

/// Builds a program with cargo, and returns the folder of the binaries.
pub(crate) fn build(arguments: &[&str], profile: &str, target: Option<&Path>) -> Result<PathBuf> {
    let root = repository();
    let target = target.map_or_else(|| target_folder(&root), Path::to_path_buf);
    let mut cargo = cargo();
    cargo.args(["build", "--quiet", "--profile", profile, "--target-dir"]).arg(&target).args(arguments);
    if cargo.stdout(Stdio::inherit()).status()?.success() {
        Ok(target.join(if profile == "dev" { "debug" } else { profile }))
    } else {
        Err(format!("cargo build {} failed", arguments.join(" ")).into())
    }
}

/// Returns cargo in the repository, without the variables that cargo set for this program: build scripts that watch them would
/// run again.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(repository());
    for (name, _) in std::env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"];
        if name.to_str().is_some_and(|name| of_package.iter().any(|prefix| name.starts_with(prefix))) {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_announces_its_address_in_json() {
        let line = r#"{"api":"http://127.0.0.1:8080","metrics":null}"#;
        assert_eq!(address(line), Some(SocketAddr::from(([127, 0, 0, 1], 8080))));
        for other in ["", "listening on http://127.0.0.1:8080", r#"{"api":"https://example.com"}"#, "{}"] {
            assert_eq!(address(other), None, "{other}");
        }
    }

    #[test]
    fn a_program_that_announces_nothing_is_an_error_with_its_log() {
        let log = std::env::temp_dir().join(format!("dockline-bench-test-{}", std::process::id()));
        let error = Server::start(Command::new("true"), &log).unwrap_err().to_string();
        let _ = std::fs::remove_file(&log);
        assert!(
            error.starts_with("true did not start; see ") && error.contains("dockline-bench-test"),
            "{error}"
        );
    }
}
