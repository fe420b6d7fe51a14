//! JSON bodies of requests, with GitHub's messages for fields of the wrong type.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::errors::ApiError;

/// The fields of a JSON object. Null is like a missing field.
#[derive(Debug, Default)]
pub(super) struct RequestBody(Map<String, Value>);

impl RequestBody {
    /// Parses a body. An empty one has no fields.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(ApiError::new(StatusCode::BAD_REQUEST, "Body should be a JSON object")),
            Err(_) => Err(ApiError::new(StatusCode::BAD_REQUEST, "Problems parsing JSON")),
        }
    }

    fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    pub(super) fn string(&self, field: &str) -> Result<Option<&str>, ApiError> {
        let wrong = |value| invalid(&property(field), value, "is not a string");
        self.get(field).map(|value| value.as_str().ok_or_else(|| wrong(value))).transpose()
    }

    pub(super) fn required_string(&self, field: &str) -> Result<&str, ApiError> {
        self.string(field)?.ok_or_else(|| {
            ApiError::unprocessable(format!("Invalid request.\n\n\"{field}\" wasn't supplied."))
        })
    }

    pub(super) fn integer(&self, field: &str) -> Result<Option<u64>, ApiError> {
        let wrong = |value| invalid(&property(field), value, "is not an integer");
        self.get(field).map(|value| value.as_u64().ok_or_else(|| wrong(value))).transpose()
    }

    /// Returns the strings of an array with at most `max` items.
    pub(super) fn strings(&self, field: &str, max: usize) -> Result<Vec<&str>, ApiError> {
        let items = self.array(field, max)?.iter();
        items.map(|item| item.as_str().ok_or_else(|| invalid("items", item, "is not a string"))).collect()
    }

    /// Returns the integers of an array with at most `max` items.
    pub(super) fn integers(&self, field: &str, max: usize) -> Result<Vec<u64>, ApiError> {
        let items = self.array(field, max)?.iter();
        items.map(|item| item.as_u64().ok_or_else(|| invalid("items", item, "is not an integer"))).collect()
    }

    fn array(&self, field: &str, max: usize) -> Result<&[Value], ApiError> {
        let Some(value) = self.get(field) else { return Ok(&[]) };
        let items = value.as_array().ok_or_else(|| invalid(&property(field), value, "is not an array"))?;
        if items.len() > max {
            let count = items.len();
            return Err(ApiError::unprocessable(format!(
                "Invalid request.\n\nFor '{}', No more than {max} items are allowed; {count} were supplied.",
                property(field)
            )));
        }
        Ok(items)
    }

    pub(super) fn object(&self, field: &str) -> Result<Option<&Map<String, Value>>, ApiError> {
        let wrong = |value| invalid(&property(field), value, "is not an object");
        self.get(field).map(|value| value.as_object().ok_or_else(|| wrong(value))).transpose()
    }
}

pub(super) fn property(name: &str) -> String {
    format!("properties/{name}")
}

/// Returns 422 for the value of a property that breaks a rule, such as `is not an array`.
pub(super) fn invalid(property: &str, value: &Value, rule: &str) -> ApiError {
    ApiError::unprocessable(format!("Invalid request.\n\nFor '{property}', {} {rule}.", ruby(value)))
}

/// Writes a value as GitHub's messages do, in the syntax of Ruby.
fn ruby(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Value::Null => "nil".to_owned(),
        Value::Array(items) => format!("[{}]", list(items.iter().map(ruby).collect())),
        Value::Object(members) => {
            format!("{{{}}}", list(members.iter().map(|(k, v)| format!("{k:?} => {}", ruby(v))).collect()))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_written_in_rubys_syntax() {
        let value = json!([null, true, 1.5, "a\"b", { "k": [] }]);
        assert_eq!(ruby(&value), "[nil, true, 1.5, \"a\\\"b\", {\"k\" => []}]");
    }
}
