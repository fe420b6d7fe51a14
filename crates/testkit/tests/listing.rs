//! A clause that no suite runs protects nobody.

#![expect(clippy::unwrap_used, reason = "the sources are there")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Those that take more than an adapter: the randomised clauses, on as many sequences as the caller likes.
const NO_CLAUSES: [&str; 2] = ["agrees_on", "every_wait_is_true"];

fn words_after<'a>(text: &'a str, before: &str) -> impl Iterator<Item = &'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
}

fn sources(suite: &Path) -> Vec<PathBuf> {
    if suite.is_file() {
        return vec![suite.to_owned()];
    }
    fs::read_dir(suite).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_clause_is_run_by_the_suite_of_its_port() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for suite in
        ["binding_repo/", "state_store/", "rate_limiter/", "github_gateway/", "key_store.rs", "key_usage.rs"]
    {
        let texts: Vec<_> =
            sources(&source.join(suite)).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        let list = texts.iter().find_map(|text| text.split("$crate::__suite! {").nth(1)).unwrap();
        let list = list.split("};").next().unwrap();
        let listed: BTreeSet<_> =
            list.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
        let clauses: BTreeSet<_> = texts
            .iter()
            .flat_map(|text| words_after(text, "pub async fn "))
            .filter(|name| !NO_CLAUSES.contains(name))
            .collect();
        assert!(!clauses.is_empty());
        assert_eq!(clauses.difference(&listed).collect::<Vec<_>>(), Vec::<&&str>::new(), "{suite}");
    }
}
