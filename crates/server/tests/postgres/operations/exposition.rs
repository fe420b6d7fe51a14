//! A strict parser of Prometheus' text format.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

type Labels = Vec<(String, String)>;

/// A metric with its samples.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    help: bool,
    /// The samples by labels and suffix of the name.
    pub(crate) samples: BTreeMap<(String, String), f64>,
}

impl Family {
    /// Returns the names of the labels, without `le`.
    pub(crate) fn labels(&self) -> BTreeSet<String> {
        let labels = self.samples.keys().flat_map(|(_, labels)| labels_of(labels));
        labels.map(|(name, _)| name).filter(|name| name != "le").collect()
    }

    /// Sums the samples whose labels contain all of these texts.
    pub(crate) fn sum(&self, having: &[&str]) -> f64 {
        let has = |labels: &str| having.iter().all(|text| labels.contains(text));
        let counted = |suffix: &str| suffix.is_empty() || suffix == "_count";
        let samples = self.samples.iter().filter(|((suffix, labels), _)| counted(suffix) && has(labels));
        samples.map(|(_, value)| value).sum()
    }
}

/// Parses an exposition.
pub(crate) fn read(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'), "no newline at the end");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            let (keyword, rest) = comment.split_once(' ').unwrap();
            let (name, said) = rest.split_once(' ').expect("HELP and TYPE say something");
            assert!(is_name(name), "{line}");
            let family = families.entry(name.to_owned()).or_default();
            assert!(family.samples.is_empty(), "{keyword} after samples: {line}");
            match keyword {
                "HELP" => assert!(!std::mem::replace(&mut family.help, true), "twice: {line}"),
                "TYPE" => {
                    assert!(family.kind.is_empty(), "twice: {line}");
                    assert!(["counter", "gauge", "histogram"].contains(&said), "{line}");
                    family.kind = said.to_owned();
                }
                _ => panic!("neither HELP nor TYPE: {line}"),
            }
            name.clone_into(&mut current);
            continue;
        }
        let (metric, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = metric.split_once('{').map_or((metric, ""), |(name, labels)| {
            (name, labels.strip_suffix('}').unwrap_or_else(|| panic!("no closing brace: {line}")))
        });
        assert!(is_name(name), "{line}");
        let suffix = name.strip_prefix(&*current).unwrap_or_else(|| panic!("not of {current}: {line}"));
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        let named: Vec<_> = labels_of(labels);
        let distinct: BTreeSet<_> = named.iter().map(|(name, _)| name).collect();
        assert_eq!(distinct.len(), named.len(), "a label twice: {line}");
        let family = families.get_mut(&current).unwrap();
        let before = family.samples.insert((suffix.to_owned(), labels.to_owned()), value);
        assert_eq!(before, None, "a sample twice: {line}");
    }
    families.iter().for_each(|(name, family)| check(name, family));
    families
}

/// Asserts rules of `promtool check metrics`.
fn check(name: &str, family: &Family) {
    assert!(family.help && !family.kind.is_empty(), "{name} lacks HELP or TYPE");
    assert!(!family.samples.is_empty(), "{name} has no samples");
    assert_eq!(family.kind == "counter", name.ends_with("_total"), "{name}: _total is for counters");
    for unit in ["_milliseconds", "_ms", "_minutes", "_hours", "_kilobytes", "_count", "_sum", "_bucket"] {
        assert!(!name.ends_with(unit), "{name}: not a base unit, or reserved");
    }
    for ((suffix, labels), value) in &family.samples {
        if family.kind == "histogram" {
            assert!(["_bucket", "_sum", "_count"].contains(&suffix.as_str()), "{name}{suffix}");
        } else {
            assert_eq!(suffix, "", "{name}{suffix}");
        }
        if family.kind != "gauge" {
            assert!(*value >= 0.0, "{name}{{{labels}}} {value}");
        }
    }
    if family.kind == "histogram" {
        buckets(name, family);
    }
}

/// Asserts that buckets are cumulative and complete.
fn buckets(name: &str, family: &Family) {
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for ((suffix, labels), value) in &family.samples {
        let mut labels = labels_of(labels);
        if suffix == "_bucket" {
            let at = labels.iter().position(|(name, _)| name == "le").expect("a bucket has a bound");
            let (_, bound) = labels.remove(at);
            series.entry(labels).or_default().push((bound.parse().unwrap(), *value));
        }
    }
    for (labels, mut buckets) in series {
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{name} {labels:?} {buckets:?}");
        let (bound, all) = buckets.last().copied().unwrap();
        assert!(bound.is_infinite(), "{name} {labels:?}");
        let total =
            family.samples.iter().find(|((suffix, of), _)| suffix == "_count" && labels_of(of) == labels);
        assert_eq!(total.map(|(_, total)| *total), Some(all), "{name} {labels:?}");
    }
}

/// Parses `name="value",…`, with escapes in values.
fn labels_of(text: &str) -> Labels {
    let mut labels = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{text}"));
        assert!(is_name(name) && !name.contains(':'), "{text}");
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().unwrap_or_else(|| panic!("{text}")) {
                (end, '"') => break end,
                (_, '\\') => match characters.next() {
                    Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                    Some((_, 'n')) => value.push('\n'),
                    _ => panic!("{text}"),
                },
                (_, character) => value.push(character),
            }
        };
        labels.push((name.to_owned(), value));
        let after = &after[end + 1..];
        rest = after.strip_prefix(',').unwrap_or(after);
        assert!(rest.is_empty() || after.starts_with(','), "{text}");
    }
    labels
}

fn is_name(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':';
    text.bytes().next().is_some_and(first) && text.bytes().all(|byte| first(byte) || byte.is_ascii_digit())
}

/// Runs `promtool check metrics` if `DOCKLINE_PROMTOOL` names it, as CI does.
pub(crate) fn promtool(text: &str) -> Option<String> {
    let program = std::env::var_os("DOCKLINE_PROMTOOL")?;
    let mut child = Command::new(program)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some(format!("{:?} {}", output.status.code(), String::from_utf8_lossy(&said)))
}
