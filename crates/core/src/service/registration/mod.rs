//! An organization's binding: making it, reading it, ending it.

mod binding;
mod detach;
mod register;

pub use detach::Uninstall;
