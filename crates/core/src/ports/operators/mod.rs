//! Capabilities of storage adapters that operators and data subjects need. No request depends on them.

mod binding_counter;
mod data_subjects;
mod directory;
mod tombstones;

use super::{Entropy, forward};

#[cfg(any(test, feature = "mocks"))]
pub use {
    binding_counter::MockBindingCounter, data_subjects::MockDataSubjects, directory::MockDirectory,
    tombstones::MockTombstones,
};

pub use binding_counter::BindingCounter;
pub use data_subjects::{DataSubjects, Forgotten, Pseudonyms};
pub use directory::{Directory, DirectoryQuery, HistoryOf, LoginFilter};
pub use tombstones::Tombstones;
