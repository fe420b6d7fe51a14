//! PostgreSQL's programs on this machine, and how to get them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian keeps the servers' programs: off the PATH, a folder for each major version.
const DEBIAN: &str = "/usr/lib/postgresql";

const ADVICE: &str = "Set DATABASE_URL to a PostgreSQL that tests may make schemas in, or install PostgreSQL's server \
    (Debian: apt-get install postgresql; initdb and postgres must be on the PATH, in /usr/lib/postgresql/*/bin, \
    or in the folder that DOCKLINE_POSTGRES_BIN names).";

/// The folder of `initdb`, `postgres` and `pg_ctl`, installed first where they are missing and we may.
pub(crate) fn postgres() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("DOCKLINE_POSTGRES_BIN").map(PathBuf::from) {
        return if is_complete(&folder) {
            Ok(folder)
        } else {
            Err(format!(
                "DOCKLINE_POSTGRES_BIN is {}, without initdb, postgres and pg_ctl.",
                folder.display()
            ))
        };
    }
    if let Some(folder) = found() {
        return Ok(folder);
    }
    // Debian would start a cluster of its own; nobody needs it.
    let no_cluster = Path::new("/etc/postgresql-common");
    if is_root() && fs::create_dir_all(no_cluster).is_ok() {
        let settings = no_cluster.join("createcluster.conf");
        if !settings.exists() {
            let _ = fs::write(settings, "create_main_cluster = false\n");
        }
    }
    install("postgresql").map_err(|why| format!("There is no PostgreSQL here, and {why}. {ADVICE}"))?;
    found().ok_or_else(|| format!("PostgreSQL was installed, but its programs are not to be found. {ADVICE}"))
}

/// Tests of the pooler need its program; they say so themselves where it could not be installed.
pub(crate) fn pgbouncer() {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&folders)
        .chain([PathBuf::from("/usr/sbin")])
        .any(|folder| folder.join("pgbouncer").is_file());
    if !there && let Err(why) = install("pgbouncer") {
        eprintln!("There is no pgbouncer here, and {why}.");
    }
}

pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn found() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<_> = fs::read_dir(DEBIAN)
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    debian.into_iter().rev().chain(std::env::split_paths(&path)).find(|folder| is_complete(folder))
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "pg_ctl"].iter().all(|program| folder.join(program).is_file())
}

fn install(package: &str) -> Result<(), String> {
    if !is_root() {
        return Err("only root could install it".to_owned());
    }
    eprintln!("installing {package} …");
    // Settings that are there stay, without a question.
    let install =
        ["-o", "Dpkg::Options::=--force-confold", "install", "-q", "-y", "--no-install-recommends", package];
    for arguments in [&["update", "-q"][..], &install] {
        let status = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("UCF_FORCE_CONFFOLD", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .map_err(|error| format!("apt-get could not be started: {error}"))?;
        if !status.success() {
            return Err(format!("apt-get {} failed", arguments.join(" ")));
        }
    }
    Ok(())
}
