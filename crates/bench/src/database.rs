//! The PostgreSQL that is measured, through its own programs `psql` and `pgbench`.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use url::Url;

use crate::Result;

/// The database of `DATABASE_URL`.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    url: Url,
}

impl Database {
    /// Takes the database of `DATABASE_URL`.
    pub(crate) fn from_environment() -> Result<Self> {
        let url = std::env::var("DATABASE_URL")
            .map_err(|_| "DATABASE_URL is not set: run the benchmarks by `cargo xtask bench`")?;
        Ok(Self { url: Url::parse(&url)? })
    }

    /// Returns the process of the server, whose children serve connections. It must run on this machine, so that its CPU time
    /// can be read.
    pub(crate) fn postmaster(&self) -> Result<u32> {
        let folder = self.query("SHOW data_directory")?;
        let pid = fs::read_to_string(Path::new(&folder).join("postmaster.pid")).unwrap_or_default();
        let pid = pid.lines().next().and_then(|pid| pid.trim().parse().ok());
        Ok(pid.ok_or("the server of DATABASE_URL does not run on this machine, or is another user's")?)
    }

    /// Returns the URL. It contains a password: pass it on in the environment.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Runs statements and returns what the last one printed, without headers.
    pub(crate) fn query(&self, sql: &str) -> Result<String> {
        let output = self.psql().args(["-c", sql]).stderr(Stdio::inherit()).output().map_err(no_program)?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?.trim().to_owned())
        } else {
            Err("psql failed: see above".into())
        }
    }

    /// Loads rows by COPY. `target` is the table with its columns; each row has its columns separated by tabs.
    pub(crate) fn copy(&self, target: &str, rows: impl Iterator<Item = Result<String>>) -> Result<()> {
        let copy = format!("COPY {target} FROM STDIN");
        let mut psql = self.psql().args(["-c", &copy]).stdin(Stdio::piped()).spawn().map_err(no_program)?;
        if let Some(stdin) = psql.stdin.take() {
            let mut stdin = BufWriter::with_capacity(1 << 16, stdin);
            for row in rows {
                stdin.write_all(row?.as_bytes())?;
                stdin.write_all(b"\n")?;
            }
            stdin.flush()?;
        }
        if psql.wait()?.success() { Ok(()) } else { Err(format!("{copy} failed: see above").into()) }
    }

    /// Runs pgbench with a script for `seconds`, prepared, and returns the transactions per second.
    pub(crate) fn pgbench(&self, script: &Path, clients: usize, seconds: u64) -> Result<f64> {
        let mut pgbench = self.program("pgbench");
        pgbench.args([
            "-n",
            "-M",
            "prepared",
            "-j",
            "1",
            "-c",
            &clients.to_string(),
            "-T",
            &seconds.to_string(),
            "-f",
        ]);
        let output = pgbench.arg(script).stderr(Stdio::inherit()).output().map_err(no_program)?;
        let text = String::from_utf8(output.stdout)?;
        let rate = output.status.success().then(|| transactions_per_second(&text)).flatten();
        rate.ok_or_else(|| format!("pgbench failed: {text}").into())
    }

    fn psql(&self) -> Command {
        let mut psql = self.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        psql
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env("PGHOST", self.url.host_str().unwrap_or_default())
            .env("PGPORT", self.url.port().unwrap_or(5432).to_string())
            .env("PGUSER", self.url.username())
            .env("PGPASSWORD", self.url.password().unwrap_or_default())
            .env("PGDATABASE", self.url.path().trim_start_matches('/'))
            .env("PGSSLMODE", "disable")
            // Without notices about schemas that do not exist yet.
            .env("PGOPTIONS", "-c client_min_messages=warning");
        command
    }
}

fn no_program(error: std::io::Error) -> String {
    format!("cannot start a program of PostgreSQL: {error}; psql and pgbench must be on the PATH")
}

/// Parses pgbench's `tps = 1234.5 (without initial connection time)`.
fn transactions_per_second(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbench_prints_its_rate_in_a_line_of_its_own() {
        let text = "number of clients: 8\nlatency average = 0.184 ms\n\
            initial connection time = 9.1 ms\ntps = 43312.541921 (without initial connection time)\n";
        assert_eq!(transactions_per_second(text), Some(43_312.541_921));
        assert_eq!(transactions_per_second("pgbench: error"), None);
    }
}
