//! Creates, reads and ends the binding of an organization.

mod binding;
mod detach;
mod register;

pub use detach::Uninstall;
