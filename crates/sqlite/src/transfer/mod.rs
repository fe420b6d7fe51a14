//! Moves all rows to another storage: seals the file, and reads it in the common form of [`dockline::transfer`].

mod rows;
mod seal;
mod sql;

pub use rows::SealedRows;
pub(crate) use seal::check_not_sealed;
pub use seal::{Seal, SealedFile};
