//! The tables and their digests, for people and for programs.

use dockline::transfer::{TableDigest, TransferTable};
use serde_json::{Value, json};

use crate::terminal;

const HEADINGS: [&str; 4] = ["TABLE", "ROWS", "DIGEST", "POSTGRESQL"];

/// A table of both sides.
pub(super) struct Compared {
    pub(super) table: &'static TransferTable,
    pub(super) file: TableDigest,
    pub(super) postgres: TableDigest,
}

impl Compared {
    pub(super) fn is_same(&self) -> bool {
        self.file == self.postgres
    }

    fn cells(&self) -> [String; HEADINGS.len()] {
        let found = match (self.is_same(), self.postgres.rows) {
            (true, _) => "the same".to_owned(),
            (false, rows) if rows == self.file.rows => "differs".to_owned(),
            (false, rows) => format!("differs: {rows} rows"),
        };
        let digest = self.file.to_string();
        let digest = digest.get(..16).unwrap_or(&digest).to_owned();
        [self.table.name.to_owned(), self.file.rows.to_string(), digest, found]
    }

    fn json(&self) -> Value {
        json!({
            "table": self.table.name,
            "same": self.is_same(),
            "file": { "rows": self.file.rows, "sha256": self.file.to_string() },
            "postgres": { "rows": self.postgres.rows, "sha256": self.postgres.to_string() },
        })
    }
}

pub(super) fn human(tables: &[Compared]) -> String {
    terminal::table(HEADINGS, tables.iter().map(Compared::cells))
}

pub(super) fn as_json(tables: &[Compared]) -> Vec<Value> {
    tables.iter().map(Compared::json).collect()
}
