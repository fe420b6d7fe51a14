//! `dockline serve`, as built for production.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use dockline_bench::APP;

use super::{Github, Server, build};
use crate::Result;
use crate::database::Database;
use crate::load::{Connection, get};

/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a node stores its rows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Storage<'a> {
    /// This schema of PostgreSQL.
    Schema(&'a str),
    /// The SQLite file in this folder.
    Folder(&'a Path),
}

/// Starts `dockline serve`.
#[derive(Debug)]
pub(crate) struct Dockline<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) database: &'a Database,
    pub(crate) github: &'a Github,
    /// Folder for the log.
    pub(crate) folder: &'a Path,
    /// Level of the log.
    pub(crate) log: &'a str,
}

/// Builds the server by itself, so that it has the features of the released one, and returns the binary.
pub(crate) fn build_dockline(profile: &str) -> Result<PathBuf> {
    eprintln!("building dockline …");
    Ok(build(&["--package", "dockline-server"], profile, None)?.join("dockline"))
}

impl Dockline<'_> {
    /// Starts a node, which migrates its storage, and waits until it is ready. Also returns the time that it took.
    pub(crate) async fn start(&self, storage: Storage<'_>) -> Result<(Server, Duration)> {
        let started = Instant::now();
        let log = match storage {
            Storage::Schema(schema) => self.folder.join(format!("{schema}.log")),
            Storage::Folder(folder) => folder.join("serve.log"),
        };
        let server = Server::start(self.command(storage)?, &log)?;
        let ready = get("/readyz", None);
        while started.elapsed() < PATIENCE {
            if let Ok(mut connection) = Connection::open(server.address).await
                && connection.exchange(&ready).await.is_ok_and(|response| response.status == 200)
            {
                return Ok((server, started.elapsed()));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err(format!("dockline was not ready within {PATIENCE:?}").into())
    }

    fn command(&self, storage: Storage<'_>) -> Result<Command> {
        let secret = self.folder.join("secret");
        std::fs::write(&secret, "0123456789abcdef0123456789abcdef")?;
        let mut command = Command::new(self.binary);
        command
            .args(["serve", "--json", "--listen", "127.0.0.1:0"])
            .args(["--github-web-url", &self.github.web(), "--github-api-url", &self.github.api()])
            .args(["--github-app-slug", "bench", "--github-client-id", "Iv1.bench"])
            .args(["--github-app-id", &APP.to_string()])
            .arg("--github-client-secret-file")
            .arg(&secret)
            .arg("--webhook-secret-file")
            .arg(&secret)
            .arg("--github-private-key-file")
            .arg(self.github.key_file())
            .env("RUST_LOG", self.log)
            .env_remove("DOCKLINE_DATABASE_URL");
        match storage {
            Storage::Schema(schema) => {
                command.args(["--database-schema", schema]).env("DOCKLINE_DATABASE_URL", self.database.url())
            }
            Storage::Folder(folder) => command.arg("--data-dir").arg(folder),
        };
        Ok(command)
    }
}
