#![doc = include_str!("../README.md")]

mod memory;
mod offline_github;
mod tenant;

pub use memory::dockline_on_memory;
pub use offline_github::OfflineGithub;
pub use tenant::Tenant;

/// GitHub's number of the App that all benchmarks use.
pub const APP: u64 = 4_711;

/// An error of the harness: it is printed, and ends the run.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
