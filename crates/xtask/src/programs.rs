//! Finds or installs the programs of PostgreSQL and PgBouncer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Debian's folder of PostgreSQL's programs, with a folder for each major version. It is not on the PATH.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";

const HELP: &str = "Set DATABASE_URL to a server in which tests may create schemas, or install PostgreSQL (Debian: apt-get \
    install postgresql); initdb and postgres must be on the PATH, in /usr/lib/postgresql/*/bin, or in the folder \
    DOCKLINE_POSTGRES_BIN.";

/// Returns the folder of `initdb`, `postgres` and `pg_ctl`. Installs PostgreSQL first if it is missing and this user is
/// root.
pub(crate) fn postgres() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("DOCKLINE_POSTGRES_BIN").map(PathBuf::from) {
        return if is_complete(&folder) {
            Ok(folder)
        } else {
            Err(format!(
                "DOCKLINE_POSTGRES_BIN: {} does not contain initdb, postgres and pg_ctl",
                folder.display()
            ))
        };
    }
    if let Some(folder) = find_postgres() {
        return Ok(folder);
    }
    // Keeps Debian's package from creating and starting a cluster.
    let no_cluster = Path::new("/etc/postgresql-common");
    if is_root() && fs::create_dir_all(no_cluster).is_ok() {
        let settings = no_cluster.join("createcluster.conf");
        if !settings.exists() {
            let _ = fs::write(settings, "create_main_cluster = false\n");
        }
    }
    install("postgresql").map_err(|error| format!("PostgreSQL is not installed, and {error}. {HELP}"))?;
    find_postgres()
        .ok_or_else(|| format!("PostgreSQL was installed, but its programs were not found. {HELP}"))
}

/// Installs PgBouncer if it is missing. A failure is only printed: the tests that need PgBouncer fail with a message of
/// their own.
pub(crate) fn pgbouncer() {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let is_installed = std::env::split_paths(&folders)
        .chain([PathBuf::from("/usr/sbin")])
        .any(|folder| folder.join("pgbouncer").is_file());
    if !is_installed && let Err(error) = install("pgbouncer") {
        eprintln!("xtask: PgBouncer is not installed, and {error}");
    }
}

pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn find_postgres() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<_> = fs::read_dir(DEBIAN_FOLDER)
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
        return Err("only root can install it".to_owned());
    }
    eprintln!("xtask: installing {package} …");
    // Keeps changed configuration files without asking.
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
            .map_err(|error| format!("apt-get cannot be started: {error}"))?;
        if !status.success() {
            return Err(format!("apt-get {} failed", arguments.join(" ")));
        }
    }
    Ok(())
}
