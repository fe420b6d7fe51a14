//! Questions on standard error, and answers from standard input.

use std::io::{self, BufRead, IsTerminal, Write};

use console::Term;

use crate::config::{ConfigError, ConfigErrors};

/// A question, which an option answers, too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// The option or variable that answers it, for messages.
    pub(super) option: &'static str,
    pub(super) text: &'static str,
    /// The meaning of an empty answer; without it, an empty answer is checked as any other.
    pub(super) default: Option<&'static str>,
    /// Whether a terminal hides the answer.
    pub(super) secret: bool,
}

/// Asks one question after another. Standard input may be a terminal, or a file with one answer per line.
pub(super) struct Asker {
    ended: bool,
    /// The questions without an answer.
    missing: ConfigErrors,
}

impl Asker {
    pub(super) fn new() -> Self {
        Self { ended: false, missing: ConfigErrors::default() }
    }

    /// Asks until `check` accepts the answer. Returns `None` if standard input has ended; then the question counts as
    /// missing, unless it has a default.
    ///
    /// # Errors
    /// If standard input or standard error cannot be used.
    pub(super) fn ask<T>(
        &mut self,
        question: Question,
        check: impl Fn(&str) -> Result<T, ConfigError>,
    ) -> io::Result<Option<T>> {
        loop {
            let answer = self.answer(question)?;
            let text = match (answer.as_deref(), question.default) {
                (Some("") | None, Some(default)) => default,
                (Some(text), _) => text,
                (None, None) => {
                    let cause = "is not set, and standard input has no answer";
                    let help = format!("set it, or answer the question: {}", question.text);
                    self.missing.push(ConfigError::new(question.option, cause, help));
                    return Ok(None);
                }
            };
            match check(text) {
                Ok(value) => return Ok(Some(value)),
                Err(error) => eprintln!("  {}\n  help: {}", error.cause, error.help),
            }
        }
    }

    /// Returns the trimmed answer; `None` at the end of standard input.
    fn answer(&mut self, question: Question) -> io::Result<Option<String>> {
        if self.ended {
            return Ok(None);
        }
        let default = question.default.filter(|it| !it.is_empty()).map(|it| format!(" [{it}]"));
        eprint!("{}{}: ", question.text, default.unwrap_or_default());
        io::stderr().flush()?;
        let terminal = Term::stderr();
        if question.secret && io::stdin().is_terminal() && terminal.is_term() {
            return Ok(Some(terminal.read_secure_line()?.trim().to_owned()));
        }
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            self.ended = true;
            eprintln!();
            return Ok(None);
        }
        if !io::stdin().is_terminal() {
            // The answer's line break is not on the screen.
            eprintln!();
        }
        Ok(Some(line.trim().to_owned()))
    }

    /// Succeeds if no answer is missing.
    ///
    /// # Errors
    /// All questions without an answer, and `errors`.
    pub(super) fn finish(&mut self, errors: ConfigErrors) -> Result<(), ConfigErrors> {
        let mut all = errors;
        all.0.append(&mut self.missing.0);
        all.into_result()
    }
}
