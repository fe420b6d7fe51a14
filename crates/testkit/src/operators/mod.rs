//! The cases of [`BindingCounter`] and [`Tombstones`]. [`operators_suite!`](crate::operators_suite) runs them.

use std::fmt::Debug;

use dockline::ports::{BindingCounter, BindingRepo, Tombstones};

use crate::runner::suite;

pub mod counts;
pub mod tombstones;

/// The bindings of two Apps in one store, and what operators see of them, through another handle to the same store.
pub trait OperatorsDriver: Debug + Send + Sync + 'static {
    /// Returns the repository.
    fn bindings(&self) -> &dyn BindingRepo;

    /// Returns the counter under test.
    fn counter(&self) -> &dyn BindingCounter;

    /// Returns the final ends under test.
    fn tombstones(&self) -> &dyn Tombstones;

    /// Returns the repository of the other App.
    fn bindings_of_other_app(&self) -> &dyn BindingRepo;

    /// Returns the final ends of the other App.
    fn tombstones_of_other_app(&self) -> &dyn Tombstones;
}

suite! {
    /// Makes one `#[test]` per case of [`BindingCounter`](crate::dockline::ports::BindingCounter) and
    /// [`Tombstones`](crate::dockline::ports::Tombstones) in a module `operators`. The adapter is an
    /// [`OperatorsDriver`](crate::operators::OperatorsDriver).
    operators_suite, operators, OperatorsDriver: counts, tombstones
}
