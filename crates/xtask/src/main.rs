//! The project's own commands, on nothing but the standard library.
//!
//! `cargo xtask test [ARGUMENTS]` runs every test of the workspace, doctests included, passes further arguments on to
//! `cargo test`, and closes with one line that sums up all test binaries.

mod test;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("test") => test::run(&arguments.collect::<Vec<_>>()),
        _ => {
            eprintln!("usage: cargo xtask test [ARGUMENTS OF CARGO TEST]");
            ExitCode::from(2)
        }
    }
}
