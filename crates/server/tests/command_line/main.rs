//! What is typed, the environment, the file; help, completions and the manual. Needs neither network nor database.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod mistakes;
mod precedence;
mod program;
mod reference;
mod secrets;
mod shells;
