//! A PostgreSQL that a test can crash.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use secrecy::SecretString;

use crate::schema::TestSchema;

/// A separate PostgreSQL for one test, because a crash closes all connections.
pub(crate) struct OwnCluster {
    holder: Child,
    url: String,
}

impl OwnCluster {
    pub(crate) fn start() -> Self {
        let mut holder = Command::new(env!("CARGO"))
            .args(["xtask", "postgres", "--", "sh", "-c", "echo \"$DATABASE_URL\"; read -r _"])
            .env_remove("DATABASE_URL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("postgres://"), "{url}");
        Self { holder, url: url.trim().to_owned() }
    }

    pub(crate) fn url(&self) -> SecretString {
        self.url.clone().into()
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        if let Some(stdin) = &mut self.holder.stdin {
            let _ = stdin.write_all(b"\n");
        }
        let _ = self.holder.wait();
    }
}

/// Restarts PostgreSQL without a checkpoint (`pg_ctl restart -m immediate`), so that it recovers as after a power failure.
pub(crate) async fn restart_at_once(schema: &TestSchema) {
    let data = schema.text("select current_setting('data_directory')").await;
    let programs = schema.text("select setting from pg_config where name = 'BINDIR'").await;
    let owner = std::fs::metadata(&data).unwrap();
    // PostgreSQL's programs refuse to run as root, so this runs pg_ctl as the owner of the cluster.
    let mut restart = tokio::process::Command::new("setpriv");
    restart
        .args([format!("--reuid={}", owner.uid()), format!("--regid={}", owner.gid())])
        .arg("--keep-groups")
        .arg(format!("{programs}/pg_ctl"))
        .args(["restart", "-m", "immediate", "-w", "-D", &data])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    assert!(restart.status().await.unwrap().success());
}

/// Waits until PostgreSQL accepts connections.
pub(crate) async fn recovered(schema: &TestSchema) {
    while schema.database().pool().get().await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
