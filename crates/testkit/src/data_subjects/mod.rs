//! The cases of [`DataSubjects`]. [`data_subjects_suite!`](crate::data_subjects_suite) runs them.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::KeyRecord;
use dockline::ports::{BindingRepo, DataSubjects, Directory, KeyStore, StateStore};

use crate::outbox::Node;
use crate::runner::suite;

pub mod organization;
pub mod person;

/// The adapter under test and the stores that it erases from.
#[async_trait]
pub trait DataSubjectsDriver: Debug + Send + Sync + 'static {
    /// Returns the adapter under test.
    fn subjects(&self) -> &dyn DataSubjects;

    /// Returns the repository.
    fn bindings(&self) -> &dyn BindingRepo;

    /// Returns the directory.
    fn directory(&self) -> &dyn Directory;

    /// Returns the states.
    fn states(&self) -> &dyn StateStore;

    /// Opens the outbox of the repository.
    async fn open_outbox(&self) -> Node;

    /// Returns the keys.
    fn keys(&self) -> &dyn KeyStore;

    /// Stores a key.
    async fn insert_key(&self, record: KeyRecord);
}

suite! {
    /// Makes one `#[test]` per case of [`DataSubjects`](crate::dockline::ports::DataSubjects) in a module `data_subjects`. The
    /// adapter is a [`DataSubjectsDriver`](crate::data_subjects::DataSubjectsDriver).
    data_subjects_suite, data_subjects, DataSubjectsDriver: organization, person
}
