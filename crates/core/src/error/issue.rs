use std::borrow::Cow;

use serde::Serialize;

/// The kind of an [`Issue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IssueCode {
    /// A required value is missing.
    Missing,
    /// The key is unknown.
    UnknownKey,
    /// The value has another JSON type.
    WrongType,
    /// The number is too small or too large, or the text is too long.
    OutOfRange,
    /// The text does not have the required form.
    Malformed,
    /// The key occurs twice.
    DuplicateKey,
    /// The value does not exist or belongs to another organization. The two are not distinguished.
    NotClaimable,
    /// The state has expired.
    Expired,
}

impl IssueCode {
    /// Every code.
    pub const ALL: &[Self] = &[
        Self::Missing,
        Self::UnknownKey,
        Self::WrongType,
        Self::OutOfRange,
        Self::Malformed,
        Self::DuplicateKey,
        Self::NotClaimable,
        Self::Expired,
    ];
}

/// One problem of a request: an entry of `details.issues`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// The name of the wrong value; empty if the whole request is wrong.
    pub path: Cow<'static, str>,
    /// The problem, for programs.
    pub code: IssueCode,
    /// The problem and its remedy, for people.
    pub message: Cow<'static, str>,
}

impl Issue {
    /// Creates an issue with a fixed message.
    #[must_use]
    pub fn new(path: impl Into<Cow<'static, str>>, code: IssueCode, message: &'static str) -> Self {
        Self { path: path.into(), code, message: Cow::Borrowed(message) }
    }
}
