//! The file: who may open and read it, and what happens if it is locked, full or damaged.

mod backup;
mod calls;
mod opening;
mod permissions;
mod places;
mod processes;
mod sealing;
