//! PgBouncer in transaction mode, started per test.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dockline_postgres::tokio_postgres::Config;
use dockline_postgres::tokio_postgres::config::Host;
use dockline_postgres::{Database, Migrator, open_pool};
use tokio::net::TcpStream;

use crate::test_schema::{self, SchemaGuard};

/// User and group without rights, on any Linux.
const UNPRIVILEGED: &str = "65534";

/// Starts the program `$1` with the settings that it reads first, up to an empty line, and ends it and removes its folder
/// when standard input closes, so also if the test is killed. `@` in the settings is the folder.
const SUPERVISOR: &str = r#"
folder=$(mktemp -d "${TMPDIR:-/tmp}/dockline-pooler.XXXXXX") || exit 1
while read -r line && [ -n "$line" ]; do
    printf '%s\n' "$line" | sed "s|@FOLDER@|$folder|" >> "$folder/settings"
done
"$1" -q "$folder/settings" > /dev/null 2>&1 < /dev/null &
pooler=$!
echo "$folder"
while read -r _; do :; done
kill -9 "$pooler" 2> /dev/null
wait "$pooler" 2> /dev/null
rm -rf "$folder"
"#;

/// A running PgBouncer and a schema, both removed when dropped.
#[derive(Debug)]
pub(crate) struct Pooled {
    supervisor: Child,
    folder: PathBuf,
    pub(crate) url: String,
    _guard: SchemaGuard,
}

/// Returns a migrated schema behind a PgBouncer with eight client and two server connections.
pub(crate) async fn database() -> (Pooled, Database) {
    let (guard, schema) = test_schema::unused();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server: Config = test_schema::url().parse().unwrap();
    let (supervisor, folder) = start(&settings(&server, port));
    let url = format!("postgres://anyone@127.0.0.1:{port}/{}?sslmode=disable", dbname(&server));
    let pooled = Pooled { supervisor, folder, url, _guard: guard };
    for _ in 0..500 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            let pool = open_pool(&pooled.url.as_str().into(), 8).unwrap();
            let database = Database::new(pool).with_schema(schema);
            Migrator::new(database.pool().clone(), database.schema().clone()).run().await.unwrap();
            return (pooled, database);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("pgbouncer did not listen: {:?}", std::fs::read_to_string(pooled.folder.join("log")));
}

/// [`database`] and a second handle to it.
pub(crate) async fn two_handles() -> (Pooled, [Database; 2]) {
    let (pooled, first) = database().await;
    let pool = open_pool(&pooled.url.as_str().into(), 8).unwrap();
    let second = Database::new(pool).with_schema(first.schema().clone());
    (pooled, [first, second])
}

fn dbname(server: &Config) -> &str {
    server.get_dbname().or(server.get_user()).unwrap()
}

fn settings(server: &Config, port: u16) -> String {
    let host = match server.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => panic!("DATABASE_URL names no host"),
    };
    let password = String::from_utf8(server.get_password().unwrap_or_default().to_vec()).unwrap();
    format!(
        "[databases]\n* = host={host} port={} user={} password='{password}'\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n\
         max_client_conn = 100\nlogfile = @FOLDER@/log\n\n",
        server.get_ports().first().unwrap_or(&5432),
        server.get_user().unwrap(),
    )
}

/// Returns the supervisor and its folder.
fn start(settings: &str) -> (Child, PathBuf) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.is_file())
        .expect("these tests need pgbouncer: run `cargo xtask test` as root, or install it (apt-get install pgbouncer)");
    // PgBouncer refuses to run as root.
    let root = Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0";
    let mut command = Command::new(if root { "setpriv" } else { "env" });
    if root {
        command.args(["--reuid", UNPRIVILEGED, "--regid", UNPRIVILEGED, "--clear-groups"]);
    }
    let mut supervisor = command
        .args(["sh", "-c", SUPERVISOR, "dockline-pooler"])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    supervisor.stdin.as_mut().unwrap().write_all(settings.as_bytes()).unwrap();
    let mut folder = String::new();
    BufReader::new(supervisor.stdout.take().unwrap()).read_line(&mut folder).unwrap();
    (supervisor, folder.trim().into())
}

impl Drop for Pooled {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        self.supervisor.wait().ok();
    }
}
