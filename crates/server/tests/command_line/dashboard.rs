//! The Grafana dashboard and the alerts of `docs/metrics.md`: they use metrics and labels that exist, in valid PromQL.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

const DASHBOARD: &str = include_str!("../../../../docs/operating/grafana-dashboard.json");
const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// The labels that a Prometheus adds to all metrics, and that of histograms' buckets.
const ADDED: [&str; 3] = ["job", "instance", "le"];

/// A documented metric.
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

fn documented() -> BTreeMap<String, Metric> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `dockline_"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let labels = cells[3].split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let labels = labels.filter(|label| !label.is_empty()).collect();
        (cells[1].trim_matches('`').to_owned(), Metric { kind: cells[2].to_owned(), labels })
    })
    .collect()
}

/// Returns the expressions of the dashboard, with values for Grafana's variables.
fn dashboard_expressions(dashboard: &Value) -> Vec<String> {
    let targets = panels(dashboard).flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets
        .map(|target| {
            let expression = target["expr"].as_str().unwrap();
            let expression = expression.replace("$__rate_interval", "5m").replace("$job", "dockline");
            assert!(!expression.contains('$'), "unknown variable: {expression}");
            expression
        })
        .collect()
}

/// Returns the expressions of the alerts. In a table, `|` is escaped.
fn alert_expressions() -> Vec<String> {
    let (_, alerts) = PAGE.split_once("## What to alert on").unwrap();
    let rows = alerts.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    rows.map(|row| row.replace("\\|", "\u{0}").split('|').nth(2).unwrap().replace('\u{0}', "|"))
        .map(|cell| cell.split('`').nth(1).unwrap().to_owned())
        .collect()
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().unwrap().iter()
}

/// Returns the metrics of an expression, each with the labels of its selector.
fn selectors(expression: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (start, _) in expression.match_indices("dockline_") {
        let rest = &expression[start..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let labels = after.strip_prefix('{').map_or_else(Vec::new, |inside| labels(inside, expression));
        found.push((name.to_owned(), labels));
    }
    found
}

/// Returns the labels of a selector, from after its opening brace on.
fn labels(text: &str, expression: &str) -> Vec<String> {
    let (mut labels, mut rest) = (Vec::new(), text);
    loop {
        let (label, after) = rest.split_once(['=', '!']).unwrap_or_else(|| panic!("no value: {expression}"));
        labels.push(label.trim().to_owned());
        let mut quoted = after.splitn(3, '"');
        rest = quoted.nth(2).unwrap_or_else(|| panic!("no quoted value: {expression}"));
        match rest.strip_prefix(',') {
            Some(further) => rest = further,
            None if rest.starts_with('}') => return labels,
            None => panic!("neither a comma nor a brace: {expression}"),
        }
    }
}

/// Returns the labels by which the expression aggregates.
fn grouped(expression: &str) -> Vec<String> {
    let lists = expression.split("by (").skip(1).filter_map(|after| after.split_once(')'));
    lists.flat_map(|(list, _)| list.split(',').map(|label| label.trim().to_owned())).collect()
}

#[test]
fn expressions_use_documented_metrics_and_labels() {
    let documented = documented();
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let (shown, alerts) = (dashboard_expressions(&dashboard), alert_expressions());
    assert!(shown.len() > 50 && alerts.len() > 20, "{} {}", shown.len(), alerts.len());
    for expression in shown.iter().chain(&alerts) {
        let selectors = selectors(expression);
        assert!(!selectors.is_empty(), "no metric: {expression}");
        let mut known: BTreeSet<&str> = ADDED.into();
        for (name, labels) in &selectors {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
                name.strip_suffix(suffix)
                    .filter(|base| documented.get(*base).is_some_and(|it| it.kind == "histogram"))
            });
            let metric = documented.get(base.unwrap_or(name));
            let metric = metric.unwrap_or_else(|| panic!("{name} is not documented: {expression}"));
            assert_eq!(base.is_some(), metric.kind == "histogram", "{name}: {expression}");
            assert_eq!(
                metric.kind != "gauge",
                expression.contains("rate(") || expression.contains("increase("),
                "counters grow for ever: {expression}"
            );
            known.extend(metric.labels.iter().map(String::as_str));
            for label in labels {
                let is_known = metric.labels.contains(label) || ADDED.contains(&&**label);
                assert!(is_known, "{name} has no label {label}: {expression}");
            }
        }
        for label in grouped(expression) {
            assert!(known.contains(&*label), "no metric has the label {label}: {expression}");
        }
    }
}

#[test]
fn every_documented_metric_is_on_the_dashboard() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let text = dashboard_expressions(&dashboard).join("\n");
    for name in documented().keys() {
        assert!(text.contains(name.as_str()), "{name} is not shown");
    }
}

#[test]
fn dashboard_can_be_imported_with_any_data_source() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    assert_eq!((&dashboard["id"], &dashboard["uid"]), (&Value::Null, &"dockline".into()));
    assert_eq!(dashboard["schemaVersion"], 41);
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let source = json!({ "type": "prometheus", "uid": "${datasource}" });
    assert_eq!((&variables[0]["name"], &variables[0]["type"]), (&"datasource".into(), &"datasource".into()));
    assert_eq!((&variables[0]["query"], &variables[1]["datasource"]), (&"prometheus".into(), &source));
    let (mut ids, mut places, mut rows) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for panel in panels(&dashboard) {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "id twice: {panel}");
        let place = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{panel}");
        for (x, y) in (place("x")..place("x") + place("w"))
            .flat_map(|x| (place("y")..place("y") + place("h")).map(move |y| (x, y)))
        {
            assert!(places.insert((x, y)), "panels overlap: {panel}");
        }
        if panel["type"] == "row" {
            rows.push(panel["title"].as_str().unwrap());
            continue;
        }
        assert_eq!(panel["datasource"], source, "{panel}");
        assert!(!panel["description"].as_str().unwrap().is_empty(), "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"], source, "{panel}");
        }
    }
    assert_eq!(
        rows,
        [
            "Overview",
            "Requests",
            "Registrations",
            "GitHub",
            "PostgreSQL pool",
            "Sweep",
            "Messages for the product: outbox and forwarder",
            "Redeliverer",
            "Tokens"
        ]
    );
}

/// Runs `promtool check rules` if `DOCKLINE_PROMTOOL` names it, as CI does: a recording rule per expression.
#[test]
fn promtool_parses_every_expression() {
    let Some(program) = std::env::var_os("DOCKLINE_PROMTOOL") else { return };
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let expressions = [dashboard_expressions(&dashboard), alert_expressions()].concat();
    let rules: Vec<Value> = expressions
        .iter()
        .enumerate()
        .map(|(number, expression)| json!({ "record": format!("expression:{number}"), "expr": expression }))
        .collect();
    let check = |rules: &[Value]| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.json");
        // JSON is YAML.
        std::fs::write(&file, json!({ "groups": [{ "name": "docs", "rules": rules }] }).to_string()).unwrap();
        let output = Command::new(&program).args(["check", "rules"]).arg(&file).output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    let (is_valid, said) = check(&rules);
    assert!(is_valid && said.contains(&format!("{} rules found", rules.len())), "{said}");
    let (is_valid, said) = check(&[json!({ "record": "wrong", "expr": "sum by (a (b)" })]);
    assert!(!is_valid, "promtool must notice a wrong expression: {said}");
}
