//! The file: TOML, with long option names as keys.

use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::keys::{Key, Shape, nearest};
use crate::mistakes::{Mistake, Mistakes};

/// More is no configuration.
const LARGEST: u64 = 1 << 20;

/// One option that the file gives. Not `Debug`: it may be a secret.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) values: Vec<String>,
    switch: bool,
}

impl Entry {
    /// `FILE:LINE: KEY`
    pub(super) fn place(&self, path: &Path) -> String {
        format!("{}:{}: {}", path.display(), self.line, self.key)
    }

    /// It, as it would be typed.
    pub(super) fn words(&self) -> Vec<OsString> {
        let Self { key, values, .. } = self;
        if self.switch {
            return vec![format!("--{key}").into()];
        }
        values.iter().map(|value| format!("--{key}={value}").into()).collect()
    }
}

/// What the file gives, and what is wrong in it. serde's and the parser's texts never quote a line: there may be a secret
/// in it.
pub(super) fn read(path: &Path, keys: &[Key]) -> Result<(Vec<Entry>, Mistakes), Mistakes> {
    let place = path.display().to_string();
    let refused = |cause: String, mend: &str| Mistakes::from(Mistake::new(&place, cause, mend));
    let named = "name a file that this user can read with --config or DOCKLINE_CONFIG, or none at all";
    match fs::metadata(path) {
        Ok(facts) if facts.len() > LARGEST => {
            return Err(refused("has more than 1 MiB".to_owned(), "this is no configuration of ours"));
        }
        Ok(_) => {}
        Err(error) => return Err(refused(format!("cannot be read: {error}"), named)),
    }
    let bytes = fs::read(path).map_err(|error| refused(format!("cannot be read: {error}"), named))?;
    let text = String::from_utf8(bytes).map_err(|_| refused("is not UTF-8".to_owned(), "TOML is"))?;
    Ok(parse(path, &text, keys))
}

fn parse(path: &Path, text: &str, keys: &[Key]) -> (Vec<Entry>, Mistakes) {
    let line = |span: Option<Range<usize>>| {
        let before = text.get(..span.map_or(0, |span| span.start)).unwrap_or(text);
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading { path, keys, line: &line, entries: Vec::new(), mistakes: Mistakes::default() };
    for error in errors {
        let place = format!("{}:{}", path.display(), line(error.span()));
        let mend = "write it as: listen = \"127.0.0.1:8080\"";
        reading.mistakes.0.push(Mistake::new(place, format!("is not TOML: {}", error.message()), mend));
    }
    if reading.mistakes.0.is_empty() {
        reading.table("", table.get_ref());
    }
    (reading.entries, reading.mistakes)
}

struct Reading<'a> {
    path: &'a Path,
    keys: &'a [Key],
    line: &'a dyn Fn(Option<Range<usize>>) -> usize,
    entries: Vec<Entry>,
    mistakes: Mistakes,
}

impl Reading<'_> {
    /// A table's name is the beginning of its keys: `[database]` with `url` is `database-url`.
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        // As they were written: the table is in the order of its names.
        let mut pairs: Vec<_> = table.iter().collect();
        pairs.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in pairs {
            let key = format!("{prefix}{}", name.get_ref().replace('_', "-"));
            let line = (self.line)(Some(name.span()));
            let known = self.keys.iter().find(|known| known.name == key).cloned();
            match (known, value.get_ref()) {
                (None, DeValue::Table(inner)) => self.table(&format!("{key}-"), inner),
                (None, _) => {
                    let meant = nearest(&key, self.keys).map(|meant| format!("did you mean {meant}? "));
                    let mend = format!(
                        "{}dockline config lists all options, and docs/configuration.md explains them",
                        meant.unwrap_or_default()
                    );
                    self.mistake(line, &key, "there is no such option", mend);
                }
                (Some(known), value) => self.option(known, line, value),
            }
        }
    }

    fn option(&mut self, known: Key, line: usize, value: &DeValue<'_>) {
        if let Some(first) = self.entries.iter().find(|entry| entry.key == known.name) {
            let cause = format!("was given in line {} already", first.line);
            return self.mistake(line, &known.name, &cause, "keep one of the two".to_owned());
        }
        let values = match (known.shape, value) {
            (Shape::Switch, DeValue::Boolean(on)) => Ok(vec![on.to_string()]),
            (Shape::Switch, _) => Err("true or false"),
            (Shape::Many, DeValue::Array(items)) => items
                .iter()
                .map(|item| scalar(item.get_ref()))
                .collect::<Option<Vec<_>>>()
                .ok_or("a list of strings"),
            (Shape::Many, value) => {
                scalar(value).map(|value| vec![value]).ok_or("a string, or a list of strings")
            }
            (Shape::One, value) => scalar(value).map(|value| vec![value]).ok_or("a string or a number"),
        };
        let switch = known.shape == Shape::Switch;
        match values {
            Ok(values) if switch && values.iter().any(|value| value == "false") => {}
            Ok(values) => self.entries.push(Entry { key: known.name, line, values, switch }),
            Err(needed) => {
                let cause = format!("has a value of the wrong type, {}", value.type_str());
                self.mistake(line, &known.name, &cause, format!("give {needed}"));
            }
        }
    }

    fn mistake(&mut self, line: usize, key: &str, cause: &str, mend: String) {
        let place = format!("{}:{line}: {key}", self.path.display());
        self.mistakes.0.push(Mistake::new(place, cause, mend));
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => {
            Some(number.as_str().trim_start_matches('+').to_owned())
        }
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Key> {
        [("database-url", Shape::One), ("listen", Shape::One), ("more", Shape::Many), ("loud", Shape::Switch)]
            .map(|(name, shape)| Key { name: name.to_owned(), shape })
            .into()
    }

    fn words(text: &str) -> Vec<String> {
        let (entries, mistakes) = parse(Path::new("f"), text, &keys());
        assert_eq!(mistakes, Mistakes::default(), "{text}");
        entries.iter().flat_map(Entry::words).map(|word| word.into_string().unwrap()).collect()
    }

    fn mistakes(text: &str) -> Vec<String> {
        let (_, mistakes) = parse(Path::new("f"), text, &keys());
        mistakes.0.into_iter().map(|it| format!("{}: {} ({})", it.place, it.cause, it.mend)).collect()
    }

    #[test]
    fn keys_are_long_names_with_dashes_underscores_or_tables() {
        for text in
            ["database-url = 'u'", "database_url = \"u\"", "[database]\nurl = 'u'", "database.url = 'u'"]
        {
            assert_eq!(words(text), ["--database-url=u"], "{text}");
        }
        assert_eq!(words("more = ['a', 'b']\nloud = true"), ["--more=a", "--more=b", "--loud"]);
        assert_eq!(words("more = 'a'\nloud = false\nlisten = 8_080"), ["--more=a", "--listen=8080"]);
        assert_eq!(words("# nothing\n"), [""; 0]);
    }

    #[test]
    fn every_mistake_has_its_line_its_key_and_a_mend() {
        assert_eq!(
            mistakes("\nlisten = true"),
            ["f:2: listen: has a value of the wrong type, boolean (give a string or a number)"]
        );
        assert_eq!(
            mistakes("loud = 'yes'"),
            ["f:1: loud: has a value of the wrong type, string (give true or false)"]
        );
        assert_eq!(mistakes("more = [['a']]").len(), 1);
        assert_eq!(mistakes("listen = 1979-05-27").len(), 1);
        let unknown = mistakes("listne = 1\n[database]\nurll = 1\n");
        assert!(
            unknown
                .iter()
                .any(|it| it.starts_with("f:1: listne: there is no") && it.contains("mean listen?")),
            "{unknown:?}"
        );
        assert!(
            unknown
                .iter()
                .any(|it| it.starts_with("f:3: database-urll: ") && it.contains("mean database-url?")),
            "{unknown:?}"
        );
        let twice = mistakes("database-url = 'u'\n[database]\nurl = 'v'");
        assert!(twice.len() == 1 && twice[0].contains("already"), "{twice:?}");
    }

    #[test]
    fn what_is_no_toml_is_told_by_its_line_and_never_quoted() {
        for text in [
            "listen = 'a'\nlisten = 'canary'",
            "\ndatabase-url = canary",
            "\ndatabase-url = 'canary",
            "\n= 'canary'",
        ] {
            let told = mistakes(text);
            assert!(told.iter().any(|it| it.starts_with("f:2: is not TOML")), "{told:?}");
            assert!(!told.concat().contains("canary"), "{told:?}");
        }
    }
}
