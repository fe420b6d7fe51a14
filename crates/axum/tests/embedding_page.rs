//! docs/embedding.md shows the marked regions of the examples. `UPDATE_DOCS=1` rewrites the page.

use std::fmt::Write;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- region ";

/// Returns the lines between `// docs: name` and `// docs: end`, without their common indentation.
fn region(source: &str, name: &str) -> String {
    let begin = format!("// docs: {name}");
    let lines = source.lines().skip_while(|line| line.trim() != begin).skip(1);
    let lines: Vec<_> = lines.take_while(|line| line.trim() != "// docs: end").collect();
    assert!(!lines.is_empty(), "no region {name}");
    let indentation = |line: &&str| line.len() - line.trim_start().len();
    let common = lines.iter().filter(|line| !line.is_empty()).map(indentation).min().unwrap_or_default();
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", line.get(common..).unwrap_or_default());
        text
    })
}

#[test]
fn page_shows_the_marked_regions_of_the_examples() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = root.join("docs/embedding.md");
    let written = fs::read_to_string(&page).unwrap();
    let mut made = String::new();
    let mut lines = written.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(made, "{line}");
        let Some(place) = line.strip_prefix(BEGIN) else { continue };
        let (file, name) = place.trim_end_matches(" -->").split_once(' ').unwrap();
        let source = fs::read_to_string(root.join(file)).unwrap();
        let _ = write!(made, "```rust\n{}```\n", region(&source, name));
        assert_eq!(lines.next(), Some("```rust"), "a block follows {line}");
        assert!(lines.by_ref().any(|line| line == "```"), "the block of {line} ends");
    }
    assert!(!made.contains("rust,ignore"), "code of the page is compiled");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&page, made).unwrap();
    } else {
        assert!(written == made, "docs/embedding.md is stale: run this test with UPDATE_DOCS=1");
    }
}
