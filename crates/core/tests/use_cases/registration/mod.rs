//! Making and ending a binding.

mod detach;
mod import;
mod register;
