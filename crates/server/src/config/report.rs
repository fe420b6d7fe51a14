//! What is in force, for people and for programs.

use serde_json::{Value, json as object};

use super::origin::{InForce, Origin, Setting, told};

/// A table: option, value, where it came from.
#[must_use]
pub fn human(in_force: &InForce) -> String {
    let rows: Vec<[String; 3]> =
        in_force.settings.iter().map(|it| [it.option.clone(), value(it), origin(&it.origin)]).collect();
    // Longer values move what follows, rather than all of the table.
    let width = |column: usize, most: usize| {
        let lengths = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        lengths.filter(|length| *length <= most).max().unwrap_or(0)
    };
    let (first, second) = (width(0, 60), width(1, 44));
    let mut text = String::new();
    let mut heading = "";
    for (setting, [option, value, origin]) in in_force.settings.iter().zip(&rows) {
        if setting.heading != heading {
            heading = &setting.heading;
            text.push_str(&format!("{}{heading}\n", if text.is_empty() { "" } else { "\n" }));
        }
        text.push_str(&format!("  {option:first$}  {value:second$}  {origin}\n"));
    }
    text
}

/// One object: each option with its value, the kind of its source, and the source.
#[must_use]
pub fn json(in_force: &InForce) -> Value {
    let options = in_force.settings.iter().map(|it| {
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

/// Nothing that moves the cursor.
fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Flag => "flag".to_owned(),
        Origin::Environment(variable) => variable.clone(),
        Origin::File { path, line, key } => format!("{}:{line}: {key}", told(path)),
        Origin::Default => "default".to_owned(),
        Origin::Unset => "not set".to_owned(),
    }
}
