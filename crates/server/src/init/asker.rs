//! Questions on standard error, and answers from standard input.

use std::io::{self, Write};

use secrecy::{ExposeSecret, SecretString};

use super::input::{Input, Line};
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

impl Question {
    /// Returns a question without a default.
    pub(super) const fn required(option: &'static str, text: &'static str) -> Self {
        Self { option, text, default: None, secret: false }
    }
}

/// Asks one question after another.
pub(super) struct Asker {
    input: Input,
    ended: bool,
    /// The questions without a valid answer.
    errors: ConfigErrors,
}

impl Asker {
    pub(super) fn new() -> Self {
        Self { input: Input::new(), ended: false, errors: ConfigErrors::default() }
    }

    /// Returns the value of the answer. At a terminal, asks until `check` accepts it. Otherwise an invalid answer is an error
    /// for [`finish`](Self::finish), since the next line answers the next question. So is a missing one without a default.
    ///
    /// # Errors
    /// If standard input or standard error cannot be used.
    pub(super) async fn ask<T>(
        &mut self,
        question: Question,
        check: impl Fn(&SecretString) -> Result<T, ConfigError> + Send,
    ) -> io::Result<Option<T>> {
        loop {
            let checked = match (self.answer(question).await?, question.default) {
                (Line::Text(text), Some(default)) if text.expose_secret().is_empty() => {
                    check(&default.into())
                }
                (Line::Text(text), _) => check(&text),
                (Line::Invalid(cause), _) => {
                    let help = "answer with at most 4,000 bytes of UTF-8";
                    Err(ConfigError::new(question.option, cause, help))
                }
                (Line::End, Some(default)) => check(&default.into()),
                (Line::End, None) => {
                    let cause = "is not set, and standard input has no answer";
                    let help = format!("set it, or answer the question: {}", question.text);
                    self.errors.push(ConfigError::new(question.option, cause, help));
                    return Ok(None);
                }
            };
            match checked {
                Ok(value) => return Ok(Some(value)),
                Err(ConfigError { cause, help, .. }) if self.input.is_terminal() => {
                    writeln!(io::stderr(), "  {cause}\n  help: {help}")?;
                    self.input.discard();
                }
                Err(error) => {
                    self.errors.push(error);
                    return Ok(None);
                }
            }
        }
    }

    async fn answer(&mut self, question: Question) -> io::Result<Line> {
        if self.ended {
            return Ok(Line::End);
        }
        // Before the question, after which the answer may arrive at once.
        let hidden = if question.secret { self.input.hide()? } else { None };
        let default = question.default.filter(|it| !it.is_empty()).map(|it| format!(" [{it}]"));
        write!(io::stderr(), "{}{}: ", question.text, default.unwrap_or_default())?;
        let line = self.input.line().await.map_err(|error| {
            io::Error::new(error.kind(), format!("the answer to {} cannot be read: {error}", question.option))
        })?;
        drop(hidden);
        self.ended = matches!(line, Line::End);
        if question.secret || self.ended || !self.input.is_terminal() {
            // The answer's line break is not on the screen.
            writeln!(io::stderr())?;
        }
        Ok(line)
    }

    /// Succeeds if there is a valid answer to each question.
    ///
    /// # Errors
    /// All questions without one, and `errors`.
    pub(super) fn finish(&mut self, errors: ConfigErrors) -> Result<(), ConfigErrors> {
        let mut all = errors;
        all.0.append(&mut self.errors.0);
        all.into_result()
    }
}
