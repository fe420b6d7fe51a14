use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Cell, TransferTable};

/// The digest of a table's rows in their order, and their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableDigest {
    /// The number of rows.
    pub rows: u64,
    sha256: [u8; 32],
}

impl fmt::Display for TableDigest {
    /// Shows the digest in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Computes the digest of a table, row by row.
#[derive(Clone)]
pub struct RowDigester {
    rows: u64,
    hash: Sha256,
}

impl RowDigester {
    /// Starts with no row of the table.
    #[must_use]
    pub fn new(table: &TransferTable) -> Self {
        let mut digester = Self { rows: 0, hash: Sha256::new() };
        digester.bytes(b'N', table.name.as_bytes());
        digester
    }

    /// Adds the next row.
    pub fn add(&mut self, row: &[Cell]) {
        self.rows += 1;
        self.length(b'R', row.len());
        for cell in row {
            self.cell(cell);
        }
    }

    /// Returns the digest of the rows.
    #[must_use]
    pub fn finish(self) -> TableDigest {
        TableDigest { rows: self.rows, sha256: self.hash.finalize().into() }
    }

    /// Each value begins with its kind and its length, so that no two rows have the same bytes.
    fn cell(&mut self, cell: &Cell) {
        match cell {
            Cell::Null => self.hash.update(b"0"),
            Cell::Flag(flag) => self.hash.update([b'F', u8::from(*flag)]),
            Cell::Number(number) => self.bytes(b'I', &number.to_be_bytes()),
            Cell::Time(time) => self.bytes(b'T', &time.to_be_bytes()),
            Cell::Text(text) => self.bytes(b'S', text.as_bytes()),
            Cell::Bytes(bytes) => self.bytes(b'B', bytes),
            Cell::Json(value) => self.json(value),
            Cell::Texts(texts) => {
                self.length(b'L', texts.len());
                for text in texts {
                    self.bytes(b'S', text.as_bytes());
                }
            }
        }
    }

    /// Members are added in the order of their names, whatever order the value has them in.
    fn json(&mut self, value: &Value) {
        match value {
            Value::Null => self.hash.update(b"n"),
            Value::Bool(flag) => self.hash.update([b'b', u8::from(*flag)]),
            Value::Number(number) => self.bytes(b'd', number.to_string().as_bytes()),
            Value::String(text) => self.bytes(b's', text.as_bytes()),
            Value::Array(values) => {
                self.length(b'a', values.len());
                for value in values {
                    self.json(value);
                }
            }
            Value::Object(members) => {
                self.length(b'o', members.len());
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                for (name, value) in members {
                    self.bytes(b's', name.as_bytes());
                    self.json(value);
                }
            }
        }
    }

    fn bytes(&mut self, kind: u8, bytes: &[u8]) {
        self.length(kind, bytes.len());
        self.hash.update(bytes);
    }

    fn length(&mut self, kind: u8, length: usize) {
        self.hash.update([kind]);
        self.hash.update((length as u64).to_be_bytes());
    }
}

impl fmt::Debug for RowDigester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowDigester").field("rows", &self.rows).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::transfer::TABLES;

    fn digest(rows: &[Vec<Cell>]) -> TableDigest {
        let [table, ..] = &TABLES;
        let mut digester = RowDigester::new(table);
        rows.iter().for_each(|row| digester.add(row));
        digester.finish()
    }

    #[test]
    fn every_difference_changes_the_digest() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let all = [
            vec![],
            vec![vec![]],
            vec![vec![Cell::Null]],
            vec![vec![Cell::Flag(false)]],
            vec![vec![Cell::Flag(true)]],
            vec![vec![Cell::Number(1)]],
            vec![vec![Cell::Time(1)]],
            vec![vec![text("")]],
            vec![vec![text("ab"), text("c")]],
            vec![vec![text("a"), text("bc")]],
            vec![vec![text("a")], vec![text("bc")]],
            vec![vec![text("bc")], vec![text("a")]],
            vec![vec![Cell::Bytes(b"a".to_vec())]],
            vec![vec![Cell::Texts(vec![])]],
            vec![vec![Cell::Texts(vec!["a".to_owned(), "b".to_owned()])]],
            vec![vec![Cell::Texts(vec!["ab".to_owned()])]],
            vec![vec![Cell::Json(json!(null))]],
            vec![vec![Cell::Json(json!({}))]],
            vec![vec![Cell::Json(json!({ "a": [1, "b"] }))]],
            vec![vec![Cell::Json(json!({ "a": ["b", 1] }))]],
        ];
        for (at, rows) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert_ne!(digest(rows), digest(other), "{rows:?} {other:?}");
            }
        }
    }

    #[test]
    fn members_of_json_have_no_order() {
        let parse = |text: &str| vec![vec![Cell::Json(serde_json::from_str(text).unwrap())]];
        let one = digest(&parse(r#"{"b": {"y": 1, "x": 2}, "a": 0}"#));
        assert_eq!(one, digest(&parse(r#"{"a":0,"b":{"x":2,"y":1}}"#)));
        assert_eq!((one.rows, one.to_string().len()), (1, 64));
    }
}
