//! Statements that wait for those of other sessions, or share them.

mod binding_batches;
mod bindings;
mod observations;
mod states;
