//! PostgreSQL servers of a test's own, which it can freeze and stop.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Starts a server in a temporary folder, prints port and folder, and removes both when its standard input closes, so also
/// if the test is killed.
///
/// `$1`: the folder of PostgreSQL's programs. `$2`: `ca` to demand client certificates of the authority `ca.crt`, or
/// nothing. `$3`: further options of the server.
const SUPERVISOR: &str = r#"
set -u
bin=$1
folder=$(mktemp -d "${TMPDIR:-/tmp}/dockline-test-server.XXXXXX") || exit 1
cd "$folder" || exit 1
clean() {
    # A frozen server can neither stop nor be waited for.
    if [ -f data/postmaster.pid ]; then
        main=$(head -n 1 data/postmaster.pid)
        kill -CONT "$main" $(ps -o pid= --ppid "$main") 2>/dev/null
        "$bin/pg_ctl" stop -D data -m immediate -w -t 20 >/dev/null 2>&1
    fi
    cd / && rm -rf "$folder"
}
fail() {
    cat log start >&2
    clean
    exit 1
}
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "$@" >> log 2>&1 < /dev/null
}
"$bin/initdb" -D data -U dockline -A trust -E UTF8 --locale=C --no-sync > log 2>&1 < /dev/null || fail
certificate -subj /CN=authority -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.crt || fail
for name in server dockline; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" \
        -keyout $name.key -out $name.csr >> log 2>&1 < /dev/null || fail
    echo "subjectAltName=DNS:$name" > $name.ext
    openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext \
        -out $name.crt >> log 2>&1 < /dev/null || fail
done
chmod 755 . && chmod 644 ./*.crt dockline.key
options="-c ssl=on -c ssl_cert_file='$folder/server.crt' -c ssl_key_file='$folder/server.key' -c ssl_ca_file='$folder/ca.crt'"
if [ "$2" = ca ]; then
    echo "hostssl all all 127.0.0.1/32 cert" > data/pg_hba.conf
fi
tries=0
while :; do
    port=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
    port=$((20000 + port % 40000))
    "$bin/pg_ctl" start -D data -l log -w -t 60 -o "-p $port -k '' -c listen_addresses=127.0.0.1 -c fsync=off \
        -c synchronous_commit=off -c full_page_writes=off -c max_connections=30 -c shared_buffers=16MB \
        -c wal_level=minimal -c max_wal_senders=0 -c log_min_messages=fatal $options $3" > start 2>&1 < /dev/null && break
    tries=$((tries + 1))
    [ $tries -lt 5 ] || fail
done
echo "$port $folder"
while read -r _; do :; done
clean
"#;

/// A running server, which trusts the user `dockline`.
#[derive(Debug)]
pub(crate) struct Cluster {
    supervisor: Child,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
}

impl Cluster {
    /// Starts a server with further options, such as `-c max_connections=5`.
    pub(crate) fn start(options: &str) -> Self {
        Self::start_with("", options)
    }

    /// Starts a server whose certificate names `server`, and that accepts only clients with a certificate, `dockline.crt`, of its authority `ca.crt`.
    pub(crate) fn with_client_certificates() -> Self {
        Self::start_with("ca", "")
    }

    fn start_with(authentication: &str, options: &str) -> Self {
        let mut supervisor = unprivileged()
            .args(["sh", "-c", SUPERVISOR, "dockline-test-server"])
            .arg(programs())
            .args([authentication, options])
            .env_remove("PGDATA")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(supervisor.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (port, folder) =
            line.trim().split_once(' ').expect("the server did not start: see the output above");
        Self { port: port.parse().unwrap(), folder: folder.into(), supervisor }
    }

    pub(crate) fn url(&self, parameters: &str) -> String {
        format!("postgres://dockline@127.0.0.1:{}/postgres?{parameters}", self.port)
    }

    /// Freezes all processes of the server. Its kernel still accepts connections.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Kills one of the processes. The first one then ends all others, recovers from the log on the disk and starts them again.
    pub(crate) fn crash(&self) {
        let (_, children) = self.processes();
        let status = Command::new("kill").arg("-KILL").arg(children.first().unwrap()).status();
        assert!(status.unwrap().success());
    }

    fn signal(&self, signal: &str) {
        let (main, children) = self.processes();
        let status = Command::new("kill").arg(signal).arg(main).args(children).status();
        assert!(status.unwrap().success());
    }

    /// Returns the first process and its children.
    fn processes(&self) -> (String, Vec<String>) {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid"));
        let file = file.unwrap_or_else(|_| self.read_as_owner("data/postmaster.pid"));
        let main = file.lines().next().unwrap();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", main]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        (main.to_owned(), children.split_whitespace().map(str::to_owned).collect())
    }

    fn read_as_owner(&self, name: &str) -> String {
        let output = unprivileged().arg("cat").arg(self.folder.join(name)).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        self.supervisor.wait().ok();
    }
}

/// Returns a prefix for a command line: PostgreSQL refuses to run as root.
fn unprivileged() -> Command {
    let root = Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0";
    if !root {
        return Command::new("env");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command
}

/// Returns the folder of PostgreSQL's programs, as `cargo xtask` finds it.
fn programs() -> PathBuf {
    let given = std::env::var_os("DOCKLINE_POSTGRES_BIN").map(PathBuf::from);
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let has_all =
        |folder: &PathBuf| ["initdb", "pg_ctl"].iter().all(|name| Path::new(folder).join(name).is_file());
    given
        .into_iter()
        .chain(debian.into_iter().rev())
        .chain(path)
        .find(has_all)
        .expect("this test needs initdb and pg_ctl: install postgresql, or set DOCKLINE_POSTGRES_BIN")
}
