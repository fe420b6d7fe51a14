use std::borrow::Cow;

use serde::Serialize;

/// What is wrong with one part of a request (`contract.md` §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IssueCode {
    /// A required part is not there.
    Missing,
    /// There is no such key.
    UnknownKey,
    /// The value is of another JSON type.
    WrongType,
    /// The number is too small or too large.
    OutOfRange,
    /// The text does not have the required form.
    Malformed,
    /// The key is there twice.
    DuplicateKey,
    /// It does not exist, or is not the caller's to claim: the two look alike.
    NotClaimable,
    /// The state's time is over.
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

/// One entry of `details.issues`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// Which part of the request; empty for the whole.
    pub path: Cow<'static, str>,
    /// What is wrong with it, for programs.
    pub code: IssueCode,
    /// What is wrong with it and what to do, for people.
    pub message: Cow<'static, str>,
}

impl Issue {
    /// An issue with a fixed message.
    #[must_use]
    pub fn new(path: impl Into<Cow<'static, str>>, code: IssueCode, message: &'static str) -> Self {
        Self { path: path.into(), code, message: Cow::Borrowed(message) }
    }
}
