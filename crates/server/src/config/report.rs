//! The output of `dockline config`, for people and for programs.

use serde_json::{Value, json as object};

use super::effective::{EffectiveConfig, Origin, Setting};

/// Returns a table with option, value and origin.
#[must_use]
pub fn human(effective: &EffectiveConfig) -> String {
    let rows: Vec<[String; 3]> =
        effective.settings.iter().map(|it| [it.option.clone(), value(it), origin(&it.origin)]).collect();
    // A cell longer than this moves the rest of its own line only.
    let width = |column: usize, most: usize| {
        let lengths = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        lengths.filter(|length| *length <= most).max().unwrap_or(0)
    };
    let (first, second) = (width(0, 60), width(1, 44));
    let mut text = String::new();
    let mut heading = "";
    for (setting, [option, value, origin]) in effective.settings.iter().zip(&rows) {
        if setting.heading != heading {
            heading = &setting.heading;
            text.push_str(&format!("{}{heading}\n", if text.is_empty() { "" } else { "\n" }));
        }
        text.push_str(&format!("  {option:first$}  {value:second$}  {origin}\n"));
    }
    text
}

/// Returns an object with the value, the kind of origin and the origin of each option.
#[must_use]
pub fn json(effective: &EffectiveConfig) -> Value {
    let options = effective.settings.iter().map(|it| {
        let value = match (it.many, it.values.as_slice()) {
            (true, values) => object!(values),
            (false, [value, ..]) => object!(value),
            (false, []) => Value::Null,
        };
        let (source, from) = match &it.origin {
            Origin::Flag => ("flag", Some(format!("--{}", it.option))),
            Origin::Environment(variable) => ("environment", Some(variable.clone())),
            Origin::File { .. } => ("file", Some(origin(&it.origin))),
            Origin::Default => ("default", None),
            Origin::Unset => ("unset", None),
        };
        let entry = object!({ "value": value, "source": source, "from": from, "variable": it.variable, "secret": it.secret });
        (it.option.clone(), entry)
    });
    Value::Object(options.collect())
}

fn value(setting: &Setting) -> String {
    match setting.values.as_slice() {
        [] => "-".to_owned(),
        values => values.iter().map(|value| one_line(value)).collect::<Vec<_>>().join(", "),
    }
}

/// Replaces control characters, which could move the cursor.
fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Flag => "flag".to_owned(),
        Origin::Environment(variable) => variable.clone(),
        Origin::File { path, line, key } => format!("{}:{line}: {key}", path.display()),
        Origin::Default => "default".to_owned(),
        Origin::Unset => "not set".to_owned(),
    }
}
