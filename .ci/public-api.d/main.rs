//! Prints the public API of the crate whose rustdoc JSON is named, one item per line, without what a derive or a blanket
//! implementation adds.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: public-api-list RUSTDOC.json");
        return ExitCode::from(2);
    };
    let list = public_api::Builder::from_rustdoc_json(path)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build();
    match list {
        Ok(list) => {
            print!("{list}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("public-api-list: {error}");
            ExitCode::FAILURE
        }
    }
}
