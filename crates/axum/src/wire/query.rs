//! Parses query strings and forms. A name that occurs twice is rejected, since two parsers may pick different values.

use std::borrow::Cow;

use dockline::{Issue, IssueCode};

/// The parameters of a query string or a form, in order.
#[derive(Debug)]
pub(crate) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    pub(crate) fn parse(encoded: &'a [u8]) -> Self {
        Self(form_urlencoded::parse(encoded).collect())
    }

    /// Returns the value of a parameter that occurs exactly once.
    pub(crate) fn once(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_ref());
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// Returns the errors if only `known` parameters are accepted, each at most once.
    pub(crate) fn issues(&self, known: &[&'static str]) -> Vec<Issue> {
        let mut issues = Vec::new();
        for (index, (name, _)) in self.0.iter().enumerate() {
            let again = self.0.iter().take(index).any(|(earlier, _)| earlier == name);
            match known.iter().find(|known| *known == name) {
                Some(known) if again => {
                    let message = "This parameter is given more than once. Give it once.";
                    issues.push(Issue::new(*known, IssueCode::DuplicateKey, message));
                }
                Some(_) => {}
                None => {
                    let path: String = name.chars().take(64).collect();
                    issues.push(Issue::new(path, IssueCode::UnknownKey, "There is no such parameter."));
                }
            }
            if issues.len() == dockline::rules::request::MOST_ISSUES {
                break;
            }
        }
        issues
    }
}
