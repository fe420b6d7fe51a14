//! Compares every response of every test with the OpenAPI document (I16): status, media type, headers and body.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::response::Response;

pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(dockline_axum::openapi);

/// Headers of the transport, which the document does not list; `Content-Type` is in `content`.
const TRANSPORT: &[&str] = &["connection", "content-length", "content-type", "date", "transfer-encoding"];

impl Response {
    #[track_caller]
    pub(crate) fn assert_documented(&self, method: &Method, path: &str) {
        if let Err(problem) = self.documented(method, path) {
            panic!("{method} {path} does not match the document: {problem}\n{self:#?}");
        }
    }

    fn documented(&self, method: &Method, path: &str) -> Result<(), String> {
        let response = response(method, path, self.status)?;
        let named = response["headers"].as_object().ok_or("no headers documented")?;
        for (name, header) in named {
            let header = resolved(header);
            match self.headers.get(name) {
                Some(value) => {
                    valid(&header["schema"], &header_value(value.to_str().unwrap(), &header["schema"]))?
                }
                None if header["required"] == true => return Err(format!("{name} is missing")),
                None => {}
            }
        }
        for name in self.headers.keys().map(|name| name.as_str()) {
            let documented = named.keys().any(|known| known.eq_ignore_ascii_case(name));
            if !documented && !TRANSPORT.contains(&name) {
                return Err(format!("the header {name} is not documented"));
            }
        }
        let Some(content) = response["content"].as_object().filter(|_| *method != Method::HEAD) else {
            return if self.text.is_empty() { Ok(()) } else { Err("the body is not documented".into()) };
        };
        let media_type = self.header("content-type");
        let essence = media_type.split(';').next().unwrap_or_default();
        let documented = content.get(media_type).or_else(|| content.get(essence));
        let documented =
            documented.ok_or_else(|| format!("the media type {media_type} is not documented"))?;
        match essence {
            "application/json" => valid(&documented["schema"], &self.json),
            _ => valid(&documented["schema"], &json!(self.text)),
        }
    }
}

/// Returns the documented response: of the operation, or of `x-unlisted` for unknown paths and methods.
fn response(method: &Method, path: &str, status: u16) -> Result<&'static Value, String> {
    // A nested router has the same paths after its prefix.
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let item = paths.iter().find(|(known, _)| path.ends_with(known.as_str()));
    let unlisted = |status: &str| Ok(resolved(&DOCUMENT["x-unlisted"][status]));
    let method = if *method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    match (item, status) {
        (None, 404) => unlisted("404"),
        // Without metrics of the host, the served document does not list the path.
        (Some((known, _)), 404) if known == "/metrics" => unlisted("404"),
        (None, _) => Err("the path is not documented".into()),
        (Some((_, item)), 405) if item.get(&method).is_none() => unlisted("405"),
        (Some((_, item)), _) => {
            let operation = item.get(&method).ok_or("the method is not documented")?;
            operation["responses"]
                .get(status.to_string())
                .map(resolved)
                .ok_or_else(|| "the status is not documented".into())
        }
    }
}

fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(target) => DOCUMENT.pointer(target.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Returns the header's text, or its number if the schema is an integer.
fn header_value(text: &str, schema: &Value) -> Value {
    match text.parse::<u64>() {
        Ok(number) if schema["type"] == "integer" => json!(number),
        _ => json!(text),
    }
}

/// Validates an instance against a schema of the document.
pub(crate) fn valid(schema: &Value, instance: &Value) -> Result<(), String> {
    let problems: Vec<_> = validator(schema)
        .iter_errors(instance)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

/// Returns the validator of a schema. Cached, since some tests use it thousands of times.
fn validator(schema: &Value) -> Arc<Validator> {
    static CACHE: Mutex<BTreeMap<String, Arc<Validator>>> = Mutex::new(BTreeMap::new());
    let mut cache = CACHE.lock().unwrap();
    let validator = cache.entry(schema.to_string()).or_insert_with(|| {
        let mut whole: Map<String, Value> = schema.as_object().unwrap().clone();
        whole.insert("components".to_owned(), DOCUMENT["components"].clone());
        let whole = Value::from(whole);
        Arc::new(jsonschema::options().should_validate_formats(true).build(&whole).unwrap())
    });
    Arc::clone(validator)
}
