//! The configuration file: TOML, with the options' long names as keys.

use std::fs;
use std::ops::Range;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use toml::de::{DeTable, DeValue};

use super::{ConfigError, ConfigErrors};

const MAX_BYTES: u64 = 1 << 20;

/// The values of one option in the file. Not `Debug`, because they may be secret.
#[derive(Clone)]
pub(super) struct Entry {
    /// The option's long name.
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) values: Vec<String>,
}

impl Entry {
    /// Returns `FILE:LINE: KEY`.
    pub(super) fn place(&self, path: &Path) -> String {
        format!("{}:{}: {}", path.display(), self.line, self.key)
    }
}

/// Returns whether the file may set an option: if the environment may, except for the path of the file itself.
pub(super) fn accepts(arg: &Arg) -> bool {
    let variable = arg.get_env().and_then(|name| name.to_str());
    let ours = variable.is_some_and(|name| name.starts_with("DOCKLINE_"));
    ours && arg.get_long().is_some_and(|long| long != super::FILE)
}

/// Returns the options of all subcommands that the file may set, because one file serves all of them.
pub(super) fn options(command: &Command) -> Vec<&Arg> {
    let mut found: Vec<&Arg> = Vec::new();
    let own = command.get_arguments().filter(|arg| accepts(arg));
    for arg in own.chain(command.get_subcommands().flat_map(options)) {
        if !found.iter().any(|known| known.get_long() == arg.get_long()) {
            found.push(arg);
        }
    }
    found
}

/// Reads the file. Returns its entries, and the errors in it.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn read(path: &Path, options: &[&Arg]) -> Result<(Vec<Entry>, ConfigErrors), ConfigError> {
    let error = |cause: String, help: &str| ConfigError::new(path.display().to_string(), cause, help);
    let unreadable = |cause| {
        let help = "set --config or DOCKLINE_CONFIG to a file that this user can read, or to none";
        error(format!("cannot be read: {cause}"), help)
    };
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
        return Err(error("is larger than 1 MiB".to_owned(), "name a configuration file in TOML"));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let text =
        String::from_utf8(bytes).map_err(|_| error("is not UTF-8".to_owned(), "save the file as UTF-8"))?;
    Ok(parse(path, text.strip_prefix('\u{FEFF}').unwrap_or(&text), options))
}

fn parse(path: &Path, text: &str, options: &[&Arg]) -> (Vec<Entry>, ConfigErrors) {
    let mut reader = Reader { path, text, options, entries: Vec::new(), errors: ConfigErrors::default() };
    let (table, syntax_errors) = DeTable::parse_recoverable(text);
    for error in syntax_errors {
        let place = format!("{}:{}", path.display(), reader.line(error.span()));
        // The parser's message does not quote the line, which may hold a secret.
        let cause = format!("is not TOML: {}", error.message());
        reader.errors.push(ConfigError::new(place, cause, "write it as: listen = \"127.0.0.1:8080\""));
    }
    if reader.errors.0.is_empty() {
        reader.table("", table.get_ref());
    }
    (reader.entries, reader.errors)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    options: &'a [&'a Arg],
    entries: Vec<Entry>,
    errors: ConfigErrors,
}

impl Reader<'_> {
    /// Returns the line of a span, counted from 1.
    fn line(&self, span: Option<Range<usize>>) -> usize {
        let before = self.text.get(..span.map_or(0, |span| span.start)).unwrap_or(self.text);
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    /// Reads a table, whose name is a prefix of its keys: `url` in `[database]` is `database-url`.
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        // In the order of the file; the table is sorted by key.
        let mut pairs: Vec<_> = table.iter().collect();
        pairs.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in pairs {
            let key = format!("{prefix}{}", name.get_ref().replace('_', "-"));
            let line = self.line(Some(name.span()));
            let option = self.options.iter().find(|arg| {
                arg.get_long() == Some(&key) || arg.get_all_aliases().unwrap_or_default().contains(&&*key)
            });
            match (option, value.get_ref()) {
                (None, DeValue::Table(inner)) => self.table(&format!("{key}-"), inner),
                (None, _) => {
                    let nearest = nearest(&key, self.options);
                    let hint = nearest.map(|name| format!("did you mean {name}? ")).unwrap_or_default();
                    let help = "dockline config lists all options; docs/configuration.md explains them";
                    self.error(line, &key, "there is no such option", format!("{hint}{help}"));
                }
                (Some(option), value) => self.option(option, line, value),
            }
        }
    }

    fn option(&mut self, option: &Arg, line: usize, value: &DeValue<'_>) {
        let key = option.get_long().unwrap_or_default().to_owned();
        if let Some(first) = self.entries.iter().find(|entry| entry.key == key) {
            let cause = format!("is already set in line {}", first.line);
            return self.error(line, &key, &cause, "keep one of the two".to_owned());
        }
        let many = matches!(option.get_action(), ArgAction::Append);
        let one = || scalar(value).map(|value| vec![value]);
        let (values, expected) = if !option.get_action().takes_values() {
            (switch(value), "true or false")
        } else if let (true, DeValue::Array(items)) = (many, value) {
            (items.iter().map(|item| scalar(item.get_ref())).collect(), "a list of strings")
        } else if many {
            (one(), "a string, or a list of strings")
        } else {
            (one(), "a string or a number")
        };
        match values {
            Some(values) => self.entries.push(Entry { key, line, values }),
            None => {
                let cause = format!("has a value of the wrong type, {}", value.type_str());
                self.error(line, &key, &cause, format!("give {expected}"));
            }
        }
    }

    fn error(&mut self, line: usize, key: &str, cause: &str, help: String) {
        self.errors.push(ConfigError::new(format!("{}:{line}: {key}", self.path.display()), cause, help));
    }
}

fn switch(value: &DeValue<'_>) -> Option<Vec<String>> {
    if let DeValue::Boolean(on) = value { Some(vec![on.to_string()]) } else { None }
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

/// Returns the option whose name resembles `key` most, if any does.
fn nearest<'a>(key: &str, options: &[&'a Arg]) -> Option<&'a str> {
    let names = options.iter().filter_map(|arg| arg.get_long());
    let scored = names.map(|name| (strsim::jaro_winkler(key, name), name));
    let (score, best) = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (score > 0.8).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Vec<Entry>, ConfigErrors) {
        let options = ["database-url", "listen"].map(|name| Arg::new(name).long(name).action(ArgAction::Set));
        let more = Arg::new("more").long("more").alias("further").action(ArgAction::Append);
        let loud = Arg::new("loud").long("loud").action(ArgAction::SetTrue);
        let options: Vec<&Arg> = options.iter().chain([&more, &loud]).collect();
        super::parse(Path::new("f"), text, &options)
    }

    fn values(text: &str) -> Vec<String> {
        let (entries, errors) = parse(text);
        assert_eq!(errors, ConfigErrors::default(), "{text}");
        let entries = entries.into_iter();
        entries.flat_map(|it| it.values.into_iter().map(move |value| format!("{}={value}", it.key))).collect()
    }

    fn errors(text: &str) -> Vec<String> {
        let (_, errors) = parse(text);
        errors.0.into_iter().map(|it| format!("{}: {} ({})", it.place, it.cause, it.help)).collect()
    }

    #[test]
    fn keys_are_long_names_with_dashes_underscores_or_tables() {
        for text in
            ["database-url = 'u'", "database_url = \"u\"", "[database]\nurl = 'u'", "database.url = 'u'"]
        {
            assert_eq!(values(text), ["database-url=u"], "{text}");
        }
        assert_eq!(values("more = ['a', 'b']\nloud = true"), ["more=a", "more=b", "loud=true"]);
        assert_eq!(
            values("more = 'a'\nloud = false\nlisten = 8_080"),
            ["more=a", "loud=false", "listen=8080"]
        );
        assert_eq!(values("further = 'a'"), ["more=a"]);
        assert_eq!(values("# nothing\n"), [""; 0]);
    }

    #[test]
    fn every_error_has_its_line_its_key_and_help() {
        assert_eq!(
            errors("\nlisten = true"),
            ["f:2: listen: has a value of the wrong type, boolean (give a string or a number)"]
        );
        assert_eq!(
            errors("loud = 'yes'"),
            ["f:1: loud: has a value of the wrong type, string (give true or false)"]
        );
        assert_eq!(errors("more = [['a']]").len(), 1);
        assert_eq!(errors("listen = 1979-05-27").len(), 1);
        let unknown = errors("listne = 1\n[database]\nurll = 1\n");
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
        let twice = errors("database-url = 'u'\n[database]\nurl = 'v'");
        assert!(twice.len() == 1 && twice[0].contains("already"), "{twice:?}");
        assert_eq!(errors("more = 'a'\nfurther = 'b'").len(), 1);
    }

    #[test]
    fn invalid_toml_is_reported_by_line_and_never_quoted() {
        for text in [
            "listen = 'a'\nlisten = 'canary'",
            "\ndatabase-url = canary",
            "\ndatabase-url = 'canary",
            "\n= 'canary'",
        ] {
            let errors = errors(text);
            assert!(errors.iter().any(|it| it.starts_with("f:2: is not TOML")), "{errors:?}");
            assert!(!errors.concat().contains("canary"), "{errors:?}");
        }
    }
}
