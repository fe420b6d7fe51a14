//! The commands of an operator, and the signer that the configuration may name.

mod apps;
mod bindings;
mod commands;
mod doctor;
mod doctor_database;
mod github_options;
mod installations;
mod keys;
mod organizations;
mod signer;
