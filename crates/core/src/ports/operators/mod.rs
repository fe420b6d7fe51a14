//! Capabilities of storage adapters that operators and data subjects need. No request depends on them.

mod data_subjects;
mod directory;

use super::{Entropy, forward};

#[cfg(any(test, feature = "mocks"))]
pub use {data_subjects::MockDataSubjects, directory::MockDirectory};

pub use data_subjects::{DataSubjects, Forgotten, Pseudonyms};
pub use directory::{Directory, DirectoryQuery, HistoryOf, LoginFilter};
