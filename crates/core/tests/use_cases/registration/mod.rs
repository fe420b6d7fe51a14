//! Making and ending a binding.

mod detach;
mod register;
