//! Secrets as options: the text itself, or a file that contains it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::{ConfigError, ConfigErrors};

const MAX_BYTES: u64 = 1 << 20;

/// A secret's two options: `--NAME` with the text and `--NAME-file` with a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretOptions<'a> {
    /// The long name of the first option, without dashes.
    pub(crate) name: &'a str,
    pub(crate) text: Option<&'a SecretString>,
    pub(crate) file: Option<&'a PathBuf>,
}

impl SecretOptions<'_> {
    /// Returns the secret without white space and a byte order mark around it; `None` if neither option is set.
    ///
    /// # Errors
    /// If both options are set, the secret is empty, in quotes or contains an invisible character, or the file cannot be read.
    pub(crate) fn read(self) -> Result<Option<SecretString>, ConfigError> {
        let Self { name, text, file } = self;
        match (text, file) {
            (Some(_), Some(_)) => Err(both(name)),
            (Some(text), None) => from_text(name, text).map(Some),
            (None, Some(path)) => from_file(&format!("{name}-file"), path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// The two options of a secret of which several may be set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretListOptions<'a> {
    /// The long name of the first option, without dashes.
    pub(crate) name: &'static str,
    pub(crate) texts: &'a [SecretString],
    pub(crate) files: &'a [PathBuf],
}

impl SecretListOptions<'_> {
    /// Returns the secrets that can be read, each with the option that it comes from. Adds the errors of
    /// [`SecretOptions::read`] to `errors`.
    pub(crate) fn read(self, errors: &mut ConfigErrors) -> Vec<(String, SecretString)> {
        let Self { name, texts, files } = self;
        if !texts.is_empty() && !files.is_empty() {
            errors.push(both(name));
        }
        let file_option = format!("{name}-file");
        let texts = texts.iter().map(|text| (format!("--{name}"), from_text(name, text)));
        let files = files.iter().map(|path| (format!("--{file_option}"), from_file(&file_option, path)));
        let read = texts.chain(files).filter_map(|(place, secret)| Some((place, errors.check(secret)?)));
        read.collect()
    }
}

/// Returns the error that both options of a secret are set.
fn both(name: &str) -> ConfigError {
    ConfigError::new(
        format!("--{name}"),
        format!("is set twice: directly, and by --{name}-file"),
        "remove one of the two; dockline config shows where each comes from",
    )
}

/// Reads a secret from its text.
fn from_text(name: &str, text: &SecretString) -> Result<SecretString, ConfigError> {
    match clean(text.expose_secret()) {
        Ok("") => {
            Err(ConfigError::new(format!("--{name}"), "is empty", "set the secret, or remove the option"))
        }
        Ok(text) => Ok(text.into()),
        Err((cause, help)) => Err(ConfigError::new(format!("--{name}"), cause, help)),
    }
}

/// Reads a secret from the file that `option` names. Errors never quote its content.
pub(crate) fn from_file(option: &str, path: &Path) -> Result<SecretString, ConfigError> {
    let fail = |cause: String, help: &str| ConfigError::new(format!("--{option}"), cause, help);
    let shown = path.display();
    let readable = "name a file that this user can read";
    let mut bytes = Vec::new();
    // Devices have no length, but may never end.
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    match read.map(u64::try_from) {
        Ok(Ok(..=MAX_BYTES)) => {}
        Ok(_) => {
            return Err(fail(
                format!("{shown} is larger than 1 MiB"),
                "name the file that contains only the secret",
            ));
        }
        Err(error) => return Err(fail(format!("{shown} cannot be read: {error}"), readable)),
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        fail(format!("{shown} is not UTF-8 text"), "save it as UTF-8; Windows PowerShell writes UTF-16")
    })?;
    match clean(&text) {
        Ok("") => Err(fail(format!("{shown} is empty"), "write the secret into it")),
        Ok(text) => Ok(text.into()),
        Err((cause, help)) => Err(fail(format!("{shown} {cause}"), help)),
    }
}

/// Removes a byte order mark and white space around a secret. Rejects invisible characters that an editor, a shell or a
/// copied page adds, since the secret would differ from the other side's.
fn clean(text: &str) -> Result<&str, (&'static str, &'static str)> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text).trim();
    // Before the other check: a key in quotes has line breaks, too.
    let mut characters = text.chars();
    let is_quoted = match (characters.next(), characters.next_back()) {
        (Some(first), Some(last)) => QUOTES.contains(&(first, last)),
        _ => false,
    };
    if is_quoted {
        return Err(("is in quotes", "remove the quotes around it"));
    }
    let is_pem = text.starts_with("-----BEGIN");
    if text
        .chars()
        .any(|character| is_invisible(character) && !(is_pem && matches!(character, '\n' | '\r' | '\t')))
    {
        return Err((
            "contains an invisible character, such as a line break or a zero-width space",
            "type the secret again, or copy it as plain text",
        ));
    }
    Ok(text)
}

/// Quotes before and after a text.
const QUOTES: [(char, char); 6] = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('„', '“'), ('‘', '’')];

fn is_invisible(character: char) -> bool {
    let blank = matches!(
        character,
        '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}'
    );
    let invisible = matches!(
        character.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    );
    let space = character.general_category() == GeneralCategory::SpaceSeparator && character != ' ';
    blank || invisible || space
}

/// Returns whether every user of the machine may read the file; `None` if that is unknown.
#[cfg(unix)]
pub(crate) fn readable_by_others(path: &Path) -> Option<bool> {
    use std::os::unix::fs::PermissionsExt;

    Some(fs::metadata(path).ok()?.permissions().mode() & 0o004 != 0)
}

/// Returns `None`: only Unix has this permission.
#[cfg(not(unix))]
pub(crate) fn readable_by_others(_: &Path) -> Option<bool> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_around_a_secret_are_removed_and_hidden_ones_in_it_rejected() {
        for text in ["\u{FEFF}s3cret", " s3cret\r\n", "\u{FEFF} s3cret\u{A0}\n", "s3cret"] {
            assert_eq!(clean(text), Ok("s3cret"), "{text:?}");
        }
        for pem in ["-----BEGIN X-----\r\nAA\r\n-----END X-----\n", "\u{FEFF}-----BEGIN X-----\nAA"] {
            assert!(clean(pem).is_ok());
        }
        for text in ["two words", "it's", "\"", "pässwörd", "a\"b"] {
            assert_eq!(clean(text), Ok(text));
        }
        for quoted in ["\"s3cret\"", "'s3cret'", "`s3cret`", "“s3cret”", "„s3cret“", "\u{FEFF}\"s3cret\"\n"]
        {
            assert_eq!(clean(quoted).unwrap_err().0, "is in quotes", "{quoted}");
        }
        for hidden in [
            "s3\u{200B}cret",
            "s3\u{FEFF}cret",
            "s3cret\u{202E}",
            "s3\u{A0}cret",
            "s3\ncret",
            "s3\u{3164}",
            "s3\0",
        ] {
            assert!(clean(hidden).unwrap_err().0.contains("invisible"), "{hidden:?}");
        }
    }
}
