//! G10: the size of the server's tree, and the time to build it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::Result;
use crate::options::{Options, repository};
use crate::servers::{build, cargo};

/// The size of the server's tree, and the time to build it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Packages that the server consists of, with procedural macros.
    pub(crate) crates: usize,
    /// The time of a cold release build, if it was asked for.
    pub(crate) cold_build: Option<Duration>,
}

pub(super) fn measure(options: &Options) -> Result<Tree> {
    let output = cargo()
        .args(["tree", "--package", "dockline-server", "--edges", "normal", "--prefix", "none"])
        .output()?;
    let crates = packages(&String::from_utf8(output.stdout)?);
    if !output.status.success() || crates == 0 {
        return Err(format!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let cold_build = options.cold_build.then(cold_build).transpose()?;
    Ok(Tree { crates, cold_build })
}

/// Counts the different packages and versions that `cargo tree --prefix none` prints.
fn packages(tree: &str) -> usize {
    let package = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    tree.lines().filter_map(package).collect::<BTreeSet<_>>().len()
}

fn cold_build() -> Result<Duration> {
    let target = repository().join("target/benchmarks/cold");
    if target.exists() {
        std::fs::remove_dir_all(&target)?;
    }
    eprintln!("building dockline without any earlier build …");
    let started = Instant::now();
    build(&["--package", "dockline-server"], "release", Some(&target))?;
    let elapsed = started.elapsed();
    std::fs::remove_dir_all(&target)?;
    Ok(elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_of_a_package_counts_once() {
        let tree = "dockline-server v0.1.0 (/x)\naxum v0.8.9\nbytes v1.12.0\naxum v0.8.9 (*)\n\nrustix v1.1.6\nrustix v0.38.44\n";
        assert_eq!(packages(tree), 5);
        assert_eq!(packages(""), 0);
    }
}
