//! Converts an OpenAPI 3.1 document to 3.0, for generators that read only that version.

use serde_json::{Map, Value, json};

/// Keys whose values are instances, not parts of the document.
const INSTANCES: &[&str] = &["default", "enum", "example", "value"];

/// Returns the document as OpenAPI 3.0. Texts beside a `$ref`, which 3.0 ignores, are left out.
pub(super) fn convert(mut document: Value) -> Value {
    object(&mut document);
    if let Some(version) = document.get_mut("openapi") {
        *version = json!("3.0.3");
    }
    if let Some(Value::Object(info)) = document.get_mut("info") {
        info.remove("summary");
        if let Some(Value::Object(license)) = info.get_mut("license") {
            license.remove("identifier");
        }
    }
    document
}

fn object(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(object),
        Value::Object(members) => {
            keywords(members);
            for (key, member) in members {
                match (key.as_str(), member) {
                    // The keys are names, which may be those of keywords.
                    ("properties", Value::Object(properties)) => properties.values_mut().for_each(object),
                    ("security", Value::Array(requirements)) => requirements.iter_mut().for_each(unscoped),
                    (key, _) if INSTANCES.contains(&key) => {}
                    (_, member) => object(member),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Replaces the keywords of a schema or reference that 3.0 does not have.
fn keywords(members: &mut Map<String, Value>) {
    if members.get("$ref").is_some_and(Value::is_string) {
        members.retain(|key, _| key == "$ref");
    }
    if let Some(Value::Array(types)) = members.get_mut("type") {
        let all = types.len();
        types.retain(|name| name != "null");
        let nullable = types.len() < all;
        if let [name] = types.as_slice() {
            let name = name.clone();
            members.insert("type".to_owned(), name);
        }
        if nullable {
            members.insert("nullable".to_owned(), json!(true));
        }
    }
    if let Some(Value::Array(examples)) = members.get("examples") {
        let first = examples.first().cloned();
        members.remove("examples");
        members.extend(first.map(|first| ("example".to_owned(), first)));
    }
    if let Some(value) = members.remove("const") {
        members.insert("enum".to_owned(), json!([value]));
    }
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(limit @ Value::Number(_)) = members.get(exclusive).cloned() {
            members.insert(bound.to_owned(), limit);
            members.insert(exclusive.to_owned(), json!(true));
        }
    }
}

/// Only OAuth 2 schemes have scopes in 3.0; the description of the scheme and 403 tell the scope.
fn unscoped(requirement: &mut Value) {
    if let Value::Object(schemes) = requirement {
        schemes.values_mut().for_each(|scopes| *scopes = json!([]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi;

    fn converted(schema: Value) -> Value {
        convert(json!({ "components": { "schemas": { "Tested": schema } } }))["components"]["schemas"]["Tested"]
            .clone()
    }

    #[test]
    fn keywords_of_3_1_are_replaced() {
        for (given, expected) in [
            (json!({ "type": ["string", "null"] }), json!({ "type": "string", "nullable": true })),
            (json!({ "examples": [1, 2] }), json!({ "example": 1 })),
            (json!({ "examples": [] }), json!({})),
            (json!({ "const": "ok" }), json!({ "enum": ["ok"] })),
            (json!({ "exclusiveMinimum": 3 }), json!({ "minimum": 3, "exclusiveMinimum": true })),
            (json!({ "exclusiveMaximum": 3 }), json!({ "maximum": 3, "exclusiveMaximum": true })),
            (json!({ "$ref": "#/x", "description": "d" }), json!({ "$ref": "#/x" })),
            (json!({ "anyOf": [{ "const": 1 }] }), json!({ "anyOf": [{ "enum": [1] }] })),
            (json!({ "items": { "const": 1 } }), json!({ "items": { "enum": [1] } })),
        ] {
            assert_eq!(converted(given), expected);
        }
    }

    #[test]
    fn names_of_properties_and_instances_stay() {
        let schema = json!({
            "properties": { "const": { "type": "string" }, "examples": { "type": "array" }, "type": { "type": "string" } },
            "default": { "type": ["a", "null"], "const": 1 },
            "enum": [{ "const": 1 }],
        });
        assert_eq!(converted(schema.clone()), schema);
        let named =
            json!({ "examples": { "first": { "value": { "const": 1, "$ref": "x", "examples": [1] } } } });
        assert_eq!(converted(named.clone()), named);
    }

    #[test]
    fn the_served_document_has_no_keyword_of_3_1() {
        fn check(value: &Value, at: &str) {
            match value {
                Value::Array(items) => items.iter().for_each(|item| check(item, at)),
                Value::Object(members) => {
                    let of_properties = at == "properties";
                    for (key, member) in members {
                        let allowed = of_properties
                            || match key.as_str() {
                                "type" => member.is_string(),
                                "examples" => member.is_object(),
                                "exclusiveMinimum" | "exclusiveMaximum" => member.is_boolean(),
                                "$ref" => members.len() == 1,
                                "const"
                                | "identifier"
                                | "jsonSchemaDialect"
                                | "webhooks"
                                | "pathItems"
                                | "$defs"
                                | "prefixItems"
                                | "unevaluatedProperties"
                                | "patternProperties"
                                | "if"
                                | "contains"
                                | "dependentRequired"
                                | "propertyNames"
                                | "contentMediaType"
                                | "contentEncoding" => false,
                                _ => true,
                            };
                        assert!(allowed, "{key} in {value}");
                        if of_properties || !INSTANCES.contains(&key.as_str()) {
                            check(member, if of_properties { "" } else { key });
                        }
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let document = convert(openapi());
        assert_eq!(document["openapi"], "3.0.3");
        assert!(document["info"].get("summary").is_none());
        check(&document, "");
        let listed = &document["paths"]["/v1/whoami"]["get"]["security"];
        assert_eq!(*listed, json!([{ "apiKey": [] }]));
    }

    #[test]
    fn both_documents_have_the_same_paths_and_components() {
        let (old, new) = (convert(openapi()), openapi());
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&old["paths"]), names(&new["paths"]));
        assert_eq!(names(&old["components"]["schemas"]), names(&new["components"]["schemas"]));
    }
}
