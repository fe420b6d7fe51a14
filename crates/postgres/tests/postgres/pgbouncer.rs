//! PgBouncer in transaction mode, started per test.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dockline_postgres::tokio_postgres::Config;
use dockline_postgres::tokio_postgres::config::Host;
use dockline_postgres::{Database, Migrator, StatementMode, open_pool};
use tokio::net::TcpStream;

use crate::test_schema::{self, SchemaGuard};

/// User and group without rights, on any Linux.
const UNPRIVILEGED: &str = "65534";

/// A running PgBouncer and a schema, both removed when dropped.
#[derive(Debug)]
pub(crate) struct Pooled {
    pooler: Child,
    folder: PathBuf,
    _guard: SchemaGuard,
}

/// Returns a migrated schema behind a PgBouncer with eight client and two server connections.
pub(crate) async fn database() -> (Pooled, Database) {
    let (guard, schema) = test_schema::unused();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = std::env::temp_dir().join(format!("dockline-pooler-{schema}"));
    let server: Config = test_schema::url().parse().unwrap();
    configure(&folder, &server, port);
    let pooler = start(&folder);
    let pooled = Pooled { pooler, folder, _guard: guard };
    for _ in 0..500 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            let url = format!("postgres://anyone@127.0.0.1:{port}/{}?sslmode=disable", dbname(&server));
            let database = Database::new(open_pool(&url.into(), 8).unwrap())
                .with_schema(schema)
                .with_statement_mode(StatementMode::Unnamed);
            Migrator::new(database.pool().clone(), database.schema().clone()).run().await.unwrap();
            return (pooled, database);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("pgbouncer did not listen: {:?}", fs::read_to_string(pooled.folder.join("log")));
}

fn dbname(server: &Config) -> &str {
    server.get_dbname().or(server.get_user()).unwrap()
}

fn configure(folder: &Path, server: &Config, port: u16) {
    let host = match server.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => panic!("DATABASE_URL names no host"),
    };
    let password = String::from_utf8(server.get_password().unwrap_or_default().to_vec()).unwrap();
    fs::create_dir(folder).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    let settings = format!(
        "[databases]\n* = host={host} port={} user={} password='{password}'\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n\
         max_client_conn = 100\nlogfile = {}\n",
        server.get_ports().first().unwrap_or(&5432),
        server.get_user().unwrap(),
        folder.join("log").display()
    );
    fs::write(folder.join("settings"), settings).unwrap();
}

fn start(folder: &Path) -> Child {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.is_file())
        .expect("these tests need pgbouncer: run `cargo xtask test` as root, or install it (apt-get install pgbouncer)");
    // PgBouncer refuses to run as root.
    let root = Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0";
    let mut command = if root {
        let chown = Command::new("chown").args(["-R", UNPRIVILEGED]).arg(folder).status().unwrap();
        assert!(chown.success());
        let mut command = Command::new("setpriv");
        command.args(["--reuid", UNPRIVILEGED, "--regid", UNPRIVILEGED, "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command
        .arg("-q")
        .arg(folder.join("settings"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.pooler.kill().ok();
        self.pooler.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}
