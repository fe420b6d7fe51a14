//! Parses query strings and forms. A name that occurs twice is rejected, since two parsers may pick different values.

use std::borrow::Cow;

use dockline::rules::request::MOST_ISSUES;
use dockline::{Issue, IssueCode};

/// The maximum number of characters of an unknown name in the path of an issue.
const LONGEST_PATH: usize = 64;

/// The parameters of a query string or a form, in order.
#[derive(Debug)]
pub(crate) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    pub(crate) fn parse(encoded: &'a [u8]) -> Self {
        Self(form_urlencoded::parse(encoded).collect())
    }

    /// Returns the value of a parameter that occurs exactly once.
    pub(crate) fn once(&self, name: &str) -> Option<&str> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// Returns the first value of a parameter; [`Parameters::issues`] rejects the others.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_ref())
    }

    /// Returns whether the parameter occurs more than once.
    pub(crate) fn is_repeated(&self, name: &str) -> bool {
        self.values(name).count() > 1
    }

    /// Returns all issues in the order of the request: those of the values, and of each parameter that is not `known` or is
    /// given again. Issues of missing parameters come last.
    pub(crate) fn issues(&self, known: &[&'static str], values: Vec<Issue>) -> Vec<Issue> {
        let mut issues: Vec<(usize, Issue)> = Vec::new();
        for (index, (name, _)) in self.0.iter().enumerate() {
            match known.iter().find(|known| *known == name) {
                Some(known) if self.position(known) < index => {
                    let message = "This parameter is given more than once. Give it once.";
                    issues.push((index, Issue::new(*known, IssueCode::DuplicateKey, message)));
                }
                Some(_) => {}
                None => {
                    let path: String = name.chars().take(LONGEST_PATH).collect();
                    let message = "There is no such parameter.";
                    issues.push((index, Issue::new(path, IssueCode::UnknownKey, message)));
                }
            }
        }
        issues.extend(values.into_iter().map(|issue| (self.position(&issue.path), issue)));
        issues.sort_by_key(|(index, _)| *index);
        issues.truncate(MOST_ISSUES);
        issues.into_iter().map(|(_, issue)| issue).collect()
    }

    /// Returns the position of a parameter's first occurrence; behind all others if there is none.
    fn position(&self, name: &str) -> usize {
        self.0.iter().position(|(given, _)| given == name).unwrap_or(usize::MAX)
    }
}
