//! A PostgreSQL for the tests: the one that `DATABASE_URL` names, else a throw-away cluster.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::programs;

/// Makes the cluster, says where it is, and waits for the end of its standard input, which the kernel closes however
/// the one that holds the other end goes: at its end, in a panic, by a signal. Then there is no cluster any more.
///
/// `$1`: the programs' folder. Nothing outlives it, so nothing of it need reach a disk. On a free port of the loopback
/// interface, since a pooler and a proxy are put in front of it by port; a port that was taken in between is tried anew.
const SUPERVISOR: &str = r#"
set -u
trap '' INT TERM HUP
bin=$1
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
        -c listen_addresses=127.0.0.1 -c ssl=$ssl -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
        -c max_connections=300 -c shared_buffers=64MB -c wal_level=minimal -c max_wal_senders=0 \
        -c autovacuum_naptime=10min -c log_min_messages=fatal" > "$folder/start" 2>&1 < /dev/null && break
    if grep -q 'SSL is not supported by this build' "$folder/log"; then
        echo "This PostgreSQL knows no TLS: the tests of TLS will fail." >&2
        ssl=off
    fi
    tries=$((tries + 1))
    [ $tries -lt 5 ] || fail
done
echo "postgres://dockline:$(cat "$folder/password")@127.0.0.1:$port/postgres?sslmode=disable"
while read -r _; do :; done
clean
"#;

/// A database's URL, and what keeps the database running.
pub(crate) enum Cluster {
    /// Somebody else's.
    Given(String),
    /// Ours: it ends with the supervisor's standard input.
    Started { url: String, supervisor: Child },
}

impl Cluster {
    /// The database of `DATABASE_URL`, else a new one.
    pub(crate) fn given_or_started() -> Result<Self, String> {
        match std::env::var("DATABASE_URL") {
            Ok(url) if !url.is_empty() => Ok(Self::Given(url)),
            _ => Self::start(&programs::postgres()?),
        }
    }

    /// Holds a password: for the environment of what is run, not for a log.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Given(url) | Self::Started { url, .. } => url,
        }
    }

    fn start(folder: &Path) -> Result<Self, String> {
        let mut command = unprivileged();
        let mut supervisor = command
            .args(["sh", "-c", SUPERVISOR, "dockline-postgres"])
            .arg(folder)
            .env_remove("PGDATA")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("PostgreSQL's supervisor could not be started: {error}"))?;
        let mut url = String::new();
        if let Some(stdout) = supervisor.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut url);
        }
        let url = url.trim().to_owned();
        if url.is_empty() {
            let _ = supervisor.wait();
            return Err("A throw-away PostgreSQL could not be started (see above).".to_owned());
        }
        Ok(Self::Started { url, supervisor })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Self::Started { supervisor, .. } = self {
            drop(supervisor.stdin.take());
            let _ = supervisor.wait();
        }
    }
}

/// PostgreSQL refuses to run as root: what comes after this runs as somebody else then, away from our terminal's
/// signals, so that Ctrl-C does not take the supervisor before it has cleaned up.
fn unprivileged() -> Command {
    let mut words: Vec<OsString> = vec!["setsid".into(), "-w".into()];
    if programs::is_root() {
        let user = if exists("postgres") { "postgres" } else { "nobody" };
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

fn exists(user: &str) -> bool {
    let id = Command::new("id").arg("-u").arg(user).stdout(Stdio::null()).stderr(Stdio::null()).status();
    id.is_ok_and(|status| status.success())
}
