//! The programs that are measured.

mod dockline;
pub(crate) mod github;
pub(crate) mod memory;
mod process;
mod rival;

pub(crate) use dockline::{Dockline, Storage, build_dockline};
pub(crate) use github::Github;
pub(crate) use process::{Server, build, cargo};
pub(crate) use rival::{build_rival, create_tables, install_fastify, start_fastify, start_rival};

/// The path of this program, also if a build has replaced its file meanwhile.
const THIS_PROGRAM: &str = "/proc/self/exe";
