//! `docs/error-codes.md` lists every code and reason exactly once, with the correct advice on retries.

use dockline::{CallbackRefusal, ErrorCode};
use dockline_axum::ApiErrorCode;

const PAGE: &str = include_str!("../../../docs/error-codes.md");

#[test]
fn the_page_lists_every_code() {
    let table = PAGE.split("## `details.issues`").next().unwrap();
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|row| {
            let mut cells = row.split('|').map(str::trim);
            (cells.next().unwrap().trim_end_matches('`'), cells.nth(1).unwrap())
        })
        .collect();
    let retryable = |code| matches!(code, ApiErrorCode::Core(code) if ErrorCode::is_retryable(code));
    let mut expected: Vec<(&str, &str)> =
        ApiErrorCode::all().map(|code| (code.as_str(), if retryable(code) { "yes" } else { "no" })).collect();
    expected.sort_unstable();
    let mut rows = rows;
    rows.sort_unstable();
    assert_eq!(rows, expected);
}

#[test]
fn the_page_lists_every_reason_of_the_callback() {
    let section = PAGE.split("## At the callback").nth(1).unwrap();
    let named: Vec<&str> = section.split("one of: ").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
    let refusals = CallbackRefusal::ALL.iter().filter(|reason| reason.code() == ErrorCode::Validation);
    let expected: Vec<&str> = refusals.map(|reason| reason.as_str()).collect();
    assert_eq!(named, expected);
}
