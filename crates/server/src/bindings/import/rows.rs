//! Reads rows of CSV or JSON lines, one at a time.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use dockline::{AccountId, ImportRow, InstallationId, OrganizationId, SecretDigest};
use serde::Deserialize;

use super::Format;

/// The maximum length of a line, in bytes.
const LONGEST_LINE: u64 = 64 * 1024;

/// The maximum number of rows of a file.
const MOST_ROWS: u64 = 1_000_000;

const COLUMNS: [&str; 4] = ["organization", "installationId", "accountId", "login"];
const REQUIRED: usize = 3;

/// A row with its line in the file.
pub(super) struct ReadRow {
    pub(super) line: u64,
    pub(super) row: Result<ImportRow, String>,
}

/// The rows of a file.
pub(super) struct Rows<R> {
    input: R,
    form: Form,
    line: u64,
    rows: u64,
    bytes: u64,
    /// A first line of JSON that was read to find out the form.
    first: Option<String>,
    seen: Seen,
}

enum Form {
    /// For each column of the file, the index in [`COLUMNS`].
    Csv(Vec<usize>),
    JsonLines,
}

/// The lines of organizations, by a digest, and installations: each occurs once in a file.
#[derive(Default)]
struct Seen {
    organizations: HashMap<SecretDigest, u64>,
    installations: HashMap<InstallationId, u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct JsonRow {
    organization: String,
    installation_id: u64,
    account_id: u64,
    #[serde(default)]
    login: Option<String>,
}

impl<R: BufRead> Rows<R> {
    /// Starts reading; reads the names of the columns.
    ///
    /// # Errors
    /// If the file cannot be read, is empty, or its columns are not the documented ones.
    pub(super) fn open(input: R, format: Option<Format>) -> Result<Self, String> {
        let mut rows = Self {
            input,
            form: Form::JsonLines,
            line: 0,
            rows: 0,
            bytes: 0,
            first: None,
            seen: Seen::default(),
        };
        let first = rows.read_line().map_err(|error| error.to_string())?;
        let first = first.ok_or("the file is empty")?.map_err(|problem| format!("line 1: {problem}"))?;
        let first = first.strip_prefix('\u{FEFF}').unwrap_or(&first);
        let is_json = first.trim_start().starts_with('{');
        match format {
            Some(Format::JsonLines) => rows.first = Some(first.to_owned()),
            None if is_json => rows.first = Some(first.to_owned()),
            Some(Format::Csv) | None => rows.form = Form::Csv(columns(first)?),
        }
        Ok(rows)
    }

    /// Returns the number of bytes that were read.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the next row; empty lines are skipped.
    ///
    /// # Errors
    /// If the file cannot be read, or has too many rows.
    pub(super) fn next(&mut self) -> io::Result<Option<ReadRow>> {
        loop {
            let text = match self.first.take() {
                Some(first) => Ok(first),
                None => match self.read_line()? {
                    Some(text) => text,
                    None => return Ok(None),
                },
            };
            if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                continue;
            }
            self.rows += 1;
            if self.rows > MOST_ROWS {
                return Err(io::Error::other(format!("more than {MOST_ROWS} rows; split the file")));
            }
            let line = self.line;
            let row = text.and_then(|text| match &self.form {
                Form::Csv(columns) => csv_row(&text, columns),
                Form::JsonLines => json_row(&text),
            });
            return Ok(Some(ReadRow { line, row: row.and_then(|row| self.seen.check(row, line)) }));
        }
    }

    /// Reads a line without its end. A line that is too long or not UTF-8 is a problem of this line only.
    fn read_line(&mut self) -> io::Result<Option<Result<String, String>>> {
        let mut bytes = Vec::new();
        let read = self.input.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes)? as u64;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        self.bytes += read;
        if read > LONGEST_LINE && !bytes.ends_with(b"\n") {
            self.skip_line()?;
            return Ok(Some(Err(format!("longer than {LONGEST_LINE} bytes"))));
        }
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        Ok(Some(String::from_utf8(text.to_vec()).map_err(|_| "not UTF-8".to_owned())))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let available = self.input.fill_buf()?;
            let end = available.iter().position(|byte| *byte == b'\n');
            let (length, is_end) = match end {
                Some(end) => (end + 1, true),
                None => (available.len(), available.is_empty()),
            };
            self.input.consume(length);
            self.bytes += length as u64;
            if is_end {
                return Ok(());
            }
        }
    }
}

impl Seen {
    fn check(&mut self, row: ImportRow, line: u64) -> Result<ImportRow, String> {
        let organization = SecretDigest::of(row.organization.as_str().as_bytes());
        let earlier_organization = self.organizations.get(&organization);
        let earlier_installation = self.installations.get(&row.installation);
        if let Some(earlier) = earlier_organization {
            return Err(format!("the organization is in line {earlier}, too"));
        }
        if let Some(earlier) = earlier_installation {
            return Err(format!("the installation is in line {earlier}, too"));
        }
        self.organizations.insert(organization, line);
        self.installations.insert(row.installation, line);
        Ok(row)
    }
}

fn columns(line: &str) -> Result<Vec<usize>, String> {
    let mut found = Vec::new();
    for name in fields(line).map_err(|problem| format!("line 1: {problem}"))? {
        let index = COLUMNS.iter().position(|column| *column == name.trim());
        let index = index.ok_or_else(|| {
            format!("line 1: unknown column {:?}; the columns are {}", name.trim(), COLUMNS.join(", "))
        })?;
        if found.contains(&index) {
            return Err(format!("line 1: the column {} is there twice", name.trim()));
        }
        found.push(index);
    }
    let missing = COLUMNS.iter().take(REQUIRED).enumerate().find(|(index, _)| !found.contains(index));
    match missing {
        Some((_, name)) => Err(format!("line 1: the column {name} is missing")),
        None => Ok(found),
    }
}

/// Splits a line at commas. A field in quotes may contain commas, and quotes that are doubled; no line breaks.
fn fields(line: &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let after = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (field, after) = unquote(quoted)?;
                fields.push(field);
                after
            }
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                if field.contains('"') {
                    return Err("a quote within a field without quotes");
                }
                fields.push(field.to_owned());
                after
            }
        };
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err("text after the end of a quoted field"),
        }
    }
}

/// Returns the text up to the closing quote, and what follows it.
fn unquote(quoted: &str) -> Result<(String, &str), &'static str> {
    let mut field = String::new();
    let mut rest = quoted;
    loop {
        let (text, after) = rest.split_once('"').ok_or("a quoted field without an end")?;
        field.push_str(text);
        match after.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Ok((field, after)),
        }
    }
}

fn csv_row(line: &str, columns: &[usize]) -> Result<ImportRow, String> {
    let fields = fields(line)?;
    if fields.len() != columns.len() {
        return Err(format!("{} fields instead of {}", fields.len(), columns.len()));
    }
    let field = |index: usize| {
        let position = columns.iter().position(|column| *column == index);
        position.and_then(|position| fields.get(position)).map_or("", |field| field.trim())
    };
    let [organization, installation, account, login] = [0, 1, 2, 3].map(field);
    let problem = |name: &str, problem: &dyn std::fmt::Display| format!("{name}: {problem}");
    Ok(ImportRow {
        organization: OrganizationId::new(organization).map_err(|error| problem("organization", &error))?,
        installation: installation.parse().map_err(|error| problem("installationId", &error))?,
        account: account.parse().map_err(|error| problem("accountId", &error))?,
        login: Some(login).filter(|login| !login.is_empty()).map(str::to_owned),
    })
}

fn json_row(line: &str) -> Result<ImportRow, String> {
    if !line.trim_start().starts_with('{') {
        return Err("not a JSON object".to_owned());
    }
    let row: JsonRow = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let problem = |name: &str, problem: &dyn std::fmt::Display| format!("{name}: {problem}");
    Ok(ImportRow {
        organization: OrganizationId::new(row.organization)
            .map_err(|error| problem("organization", &error))?,
        installation: InstallationId::new(row.installation_id)
            .map_err(|error| problem("installationId", &error))?,
        account: AccountId::new(row.account_id).map_err(|error| problem("accountId", &error))?,
        login: row.login,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], format: Option<Format>) -> Vec<(u64, Result<ImportRow, String>)> {
        let mut rows = Rows::open(text, format).unwrap_or_else(|error| unreachable!("{error}"));
        let mut all = Vec::new();
        while let Some(ReadRow { line, row }) = rows.next().unwrap() {
            all.push((line, row));
        }
        all
    }

    fn row(organization: &str, number: u64, login: Option<&str>) -> ImportRow {
        ImportRow {
            organization: OrganizationId::new(organization).unwrap(),
            installation: InstallationId::new(number).unwrap(),
            account: AccountId::new(number + 1_000).unwrap(),
            login: login.map(str::to_owned),
        }
    }

    #[test]
    fn csv_columns_may_come_in_any_order_and_fields_in_quotes() {
        let text = b"\xEF\xBB\xBFaccountId,organization,login,installationId\r\n1001,org_1,acme,1\r\n\r\n1002,\"org,\"\"2\"\"\",,2";
        assert_eq!(
            read(text, None),
            [(2, Ok(row("org_1", 1, Some("acme")))), (4, Ok(row("org,\"2\"", 2, None)))]
        );
    }

    #[test]
    fn json_lines_are_strict_and_found_out_by_their_start() {
        let text = br#"{"organization":"org_1","installationId":1,"accountId":1001}
{"organization":"org_2","installationId":2,"accountId":1002,"login":"acme"}
{"organization":"org_3","installationId":"3","accountId":1003}
{"organization":"org_4","installationId":4,"accountId":1004,"note":""}
{"organization":"org_5","installationId":5,"accountId":1005,"accountId":1005}
["org_6",6,1006]
nonsense"#;
        let rows = read(text, None);
        assert_eq!(rows[0], (1, Ok(row("org_1", 1, None))));
        assert_eq!(rows[1], (2, Ok(row("org_2", 2, Some("acme")))));
        assert!(rows[2..].iter().all(|(_, row)| row.is_err()), "{rows:?}");
        assert_eq!(rows.len(), 7);
    }

    #[test]
    fn a_malformed_line_is_a_problem_of_this_line_only() {
        let long = "x".repeat(200_000);
        let text = format!(
            "organization,installationId,accountId\norg_1,1,1001\n{long}\norg 2,2,1002\norg_3,0,1003\norg_4,4\n\
             org_5,5,\"1005\norg_6,6,1006\"\norg_7,7,\"1007\"8\norg_8,+8,1008\norg_9,9,1009\n"
        );
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(b"\xff,1,1\norg_10,10,1010");
        let rows = read(&bytes, None);
        let good: Vec<_> = rows.iter().filter(|(_, row)| row.is_ok()).map(|(line, _)| *line).collect();
        assert_eq!(good, [2, 11, 13]);
        let bad: Vec<_> = rows.iter().filter(|(_, row)| row.is_err()).map(|(line, _)| *line).collect();
        assert_eq!(bad, [3, 4, 5, 6, 7, 8, 9, 10, 12]);
    }

    #[test]
    fn a_line_has_at_most_64_kib() {
        let is_read = |length: usize| {
            let first = r#"{"organization":"org_1","installationId":1,"accountId":1001}"#;
            let row = r#"{"organization":"org_2","installationId":2,"accountId":1002"#;
            let text = format!("{first}\n{row}{}}}", " ".repeat(length - row.len() - 1));
            read(text.as_bytes(), None)[1].1.is_ok()
        };
        assert_eq!((is_read(65_536), is_read(65_537)), (true, false));
    }

    #[test]
    fn an_organization_or_installation_occurs_once() {
        let text = b"organization,installationId,accountId\na,1,1001\na,2,1002\nb,1,1001\nb,3,1003\n";
        let problems: Vec<_> = read(text, None).into_iter().map(|(_, row)| row.err()).collect();
        assert_eq!(
            problems,
            [
                None,
                Some("the organization is in line 2, too".to_owned()),
                Some("the installation is in line 2, too".to_owned()),
                None
            ]
        );
    }

    #[test]
    fn wrong_columns_are_refused_before_any_row() {
        for (text, problem) in [
            ("", "empty"),
            ("organization,installationId\n", "accountId is missing"),
            ("organization,installationId,accountId,note\n", "unknown column"),
            ("organization,organization,installationId,accountId\n", "twice"),
            ("org_1,1,1001\n", "unknown column"),
        ] {
            let error = Rows::open(text.as_bytes(), None).err().unwrap();
            assert!(error.contains(problem), "{text:?}: {error}");
        }
        assert!(Rows::open(&b"{}"[..], Some(Format::Csv)).is_err());
    }
}
