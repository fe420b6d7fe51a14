//! A PostgreSQL server for tests: that of `DATABASE_URL`, or a temporary cluster.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::programs;

/// Creates and starts the cluster, prints its URL, and deletes it when its standard input ends: the kernel closes that
/// however this program ends, also after a panic or a signal.
///
/// `$1`: the folder of PostgreSQL's programs. `$2`: settings as options of the server. The cluster listens on a random port
/// of the loopback interface, since tests put a pooler and a proxy in front of it; if the port is taken, another one is
/// tried.
const SUPERVISOR: &str = r#"
set -u
trap '' INT TERM HUP
bin=$1
settings=$2
folder=$(mktemp -d "${TMPDIR:-/tmp}/dockline-postgres.XXXXXX") || exit 1
chmod 700 "$folder"
clean() {
    [ -f "$folder/data/postmaster.pid" ] && "$bin/pg_ctl" stop -D "$folder/data" -m immediate -w -t 20 >/dev/null 2>&1
    rm -rf "$folder"
}
fail() {
    cat "$folder/log" >&2
    clean
    exit 1
}
cd "$folder" || exit 1
od -An -N16 -tx1 /dev/urandom | tr -d ' \n' > "$folder/password"
"$bin/initdb" -D "$folder/data" -U dockline -A scram-sha-256 --pwfile="$folder/password" -E UTF8 --locale=C --no-sync \
    > "$folder/log" 2>&1 < /dev/null || fail
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 \
    -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$folder/data/server.key" -out "$folder/data/server.crt" >> "$folder/log" 2>&1 < /dev/null || fail
ssl=on
tries=0
while :; do
    port=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
    port=$((20000 + port % 40000))
    "$bin/pg_ctl" start -D "$folder/data" -l "$folder/log" -w -t 60 -o "-p $port -k '$folder' \
        -c listen_addresses=127.0.0.1 -c ssl=$ssl -c max_connections=300 -c log_min_messages=fatal $settings" > "$folder/start" 2>&1 < /dev/null && break
    if grep -q 'SSL is not supported by this build' "$folder/log"; then
        echo "This PostgreSQL is built without TLS: the tests of TLS will fail." >&2
        ssl=off
    fi
    tries=$((tries + 1))
    [ $tries -lt 5 ] || fail
done
echo "postgres://dockline:$(cat "$folder/password")@127.0.0.1:$port/postgres?sslmode=disable"
while read -r _; do :; done
clean
"#;

/// For tests: the data are temporary, so writes are not synced to disk.
const FAST: &str = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB \
    -c wal_level=minimal -c max_wal_senders=0 -c autovacuum_naptime=10min";

/// For benchmarks: PostgreSQL's defaults, under which a commit is on disk, and room for long runs.
const DURABLE: &str = "-c max_wal_size=4GB -c shared_buffers=2GB";

/// A PostgreSQL server for tests.
pub(crate) enum Cluster {
    /// The server of `DATABASE_URL`.
    External(String),
    /// A temporary cluster, which the supervisor deletes when its standard input closes.
    Temporary { url: String, supervisor: Child },
}

impl Cluster {
    /// Returns the server of `DATABASE_URL`, or starts a temporary one.
    pub(crate) fn external_or_temporary() -> Result<Self, String> {
        match std::env::var("DATABASE_URL") {
            Ok(url) if !url.is_empty() => Ok(Self::External(url)),
            _ => Self::start(&programs::postgres()?, FAST),
        }
    }

    /// Starts a temporary server that syncs its writes to disk, for benchmarks.
    pub(crate) fn durable() -> Result<Self, String> {
        Self::start(&programs::postgres()?, DURABLE)
    }

    /// Returns the URL. It contains a password: pass it on in the environment and do not print it.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::External(url) | Self::Temporary { url, .. } => url,
        }
    }

    fn start(folder: &Path, settings: &str) -> Result<Self, String> {
        let mut command = unprivileged();
        let mut supervisor = command
            .args(["sh", "-c", SUPERVISOR, "dockline-postgres"])
            .arg(folder)
            .arg(settings)
            .env_remove("PGDATA")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the supervisor of a temporary PostgreSQL: {error}"))?;
        let mut url = String::new();
        if let Some(stdout) = supervisor.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut url);
        }
        let url = url.trim().to_owned();
        if url.is_empty() {
            let _ = supervisor.wait();
            return Err("cannot start a temporary PostgreSQL: see the output above".to_owned());
        }
        Ok(Self::Temporary { url, supervisor })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Self::Temporary { supervisor, .. } = self {
            drop(supervisor.stdin.take());
            let _ = supervisor.wait();
        }
    }
}

/// Returns a prefix for a command line. Its program runs in a session of its own, so that Ctrl-C does not end the
/// supervisor before it has cleaned up, and as another user if this one is root, since PostgreSQL refuses to run as root.
fn unprivileged() -> Command {
    let mut words: Vec<OsString> = vec!["setsid".into(), "-w".into()];
    if programs::is_root() {
        let user = if user_exists("postgres") { "postgres" } else { "daemon" };
        let group = Command::new("id").args(["-g", user]).output();
        let group = group.map(|group| String::from_utf8_lossy(&group.stdout).trim().to_owned());
        let group = group.unwrap_or_else(|_| user.to_owned());
        words.extend([
            "setpriv".into(),
            format!("--reuid={user}").into(),
            format!("--regid={group}").into(),
            "--clear-groups".into(),
        ]);
    }
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_else(|| "sh".into()));
    command.args(words);
    command
}

fn user_exists(user: &str) -> bool {
    let id = Command::new("id").arg("-u").arg(user).stdout(Stdio::null()).stderr(Stdio::null()).status();
    id.is_ok_and(|status| status.success())
}
