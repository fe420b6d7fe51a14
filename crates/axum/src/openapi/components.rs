//! What operations refer to: schemas, headers, security schemes.

#![expect(clippy::indexing_slicing, reason = "JSON that is made here, and in every test that asks for it")]

use dockline::{CallbackRefusal, DeliveryFault, ErrorCode};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use crate::error::Details;
use crate::schema::{self, AnyState, Cursor, InstallationNumber, OwnState};
use crate::webhook;
use crate::wire::{
    Envelope, Failure, HealthBody, InspectedBody, InstallLinkBody, InstallationBody, RepositoriesBody,
    WhoamiBody,
};

use super::answers;
use super::reference::reference;

pub(super) fn components() -> Value {
    json!({
        "schemas": schemas(),
        "headers": headers(),
        "responses": { "MethodNotAllowed": answers::method_not_allowed(), "UnknownPath": answers::unknown_path() },
        "securitySchemes": {
            "apiKey": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "lp_<env>_<key id>_<secret>",
                "description": "An API key: `lp_live_…` or `lp_test_…`, then its id (14 to 18 characters of Crockford's \
                    base32, safe to log) and its secret (43 characters of base64url). The scope that an operation needs is \
                    listed with it; `*` covers every scope.",
            },
            "webhookSignature": {
                "type": "apiKey",
                "in": "header",
                "name": "X-Hub-Signature-256",
                "description": "`sha256=` and the HMAC-SHA-256 of the raw body with the App's webhook secret, in 64 \
                    lower-case hexadecimal digits: what GitHub sends.",
            },
        },
    })
}

/// What the details of an error are.
enum Told {
    Nothing,
    One(&'static str),
    Either(&'static str, &'static str),
    Maybe(&'static str),
}

/// Every error by its name, with its codes and what its details are.
const ERRORS: &[(&str, &[ErrorCode], Told)] = &[
    ("BadRequest", &[ErrorCode::BadRequest], Told::Nothing),
    ("Validation", &[ErrorCode::Validation], Told::One("IssuesDetails")),
    ("ReposValidation", &[ErrorCode::Validation], Told::Either("IssuesDetails", "BoundDetails")),
    ("VisitValidation", &[ErrorCode::Validation], Told::Either("VisitDetails", "IssuesDetails")),
    ("DeliveryValidation", &[ErrorCode::Validation], Told::Either("DeliveryDetails", "IssuesDetails")),
    ("Unauthenticated", &[ErrorCode::Unauthenticated], Told::Nothing),
    ("ForbiddenScope", &[ErrorCode::ForbiddenScope], Told::Nothing),
    ("InstallUrlForbidden", &[ErrorCode::ForbiddenScope, ErrorCode::ReturnUrlNotAllowed], Told::Nothing),
    ("NotFound", &[ErrorCode::NotFound], Told::Nothing),
    ("MethodNotAllowed", &[ErrorCode::MethodNotAllowed], Told::Nothing),
    ("Conflict", &[ErrorCode::Conflict], Told::One("BoundDetails")),
    ("PayloadTooLarge", &[ErrorCode::PayloadTooLarge], Told::Nothing),
    ("UnsupportedMediaType", &[ErrorCode::UnsupportedMediaType], Told::Nothing),
    ("RateLimited", &[ErrorCode::RateLimited], Told::Nothing),
    ("Internal", &[ErrorCode::Internal], Told::Nothing),
    ("Platform", &[ErrorCode::PlatformError], Told::One("PlatformDetails")),
    ("Unavailable", &[ErrorCode::Unavailable], Told::Nothing),
    ("NotReady", &[ErrorCode::Unavailable], Told::Maybe("ChecksDetails")),
    (
        "PlatformOrUnavailable",
        &[ErrorCode::PlatformError, ErrorCode::Unavailable],
        Told::Maybe("PlatformDetails"),
    ),
];

fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    add::<InstallationBody<'_>>(&mut schemas);
    add::<InspectedBody<'_>>(&mut schemas);
    add::<InstallLinkBody<'_>>(&mut schemas);
    add::<RepositoriesBody<'_>>(&mut schemas);
    add::<WhoamiBody<'_>>(&mut schemas);
    add::<HealthBody>(&mut schemas);
    add::<Details>(&mut schemas);
    add::<Envelope<'_, Details>>(&mut schemas);
    add::<schema::ErrorCode>(&mut schemas);
    add::<schema::IssueCode>(&mut schemas);
    add::<InstallationNumber>(&mut schemas);
    add::<AnyState>(&mut schemas);
    add::<OwnState>(&mut schemas);
    add::<Cursor>(&mut schemas);
    merge_all_of(&mut schemas, "VerifiedInstallation");
    details(&mut schemas);
    errors(&mut schemas);
    for schema in schemas.values_mut() {
        close(schema);
    }
    schemas
}

/// Adds a type's schema and those that it refers to.
fn add<T: ToSchema>(schemas: &mut Map<String, Value>) {
    let mut found = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut found);
    for (name, schema) in found {
        // A schema always serialises.
        schemas.insert(name, serde_json::to_value(schema).unwrap_or_default());
    }
}

/// One object where utoipa writes two for a flattened field: a closed object cannot be put together from others.
fn merge_all_of(schemas: &mut Map<String, Value>, name: &str) {
    let Some(Value::Object(schema)) = schemas.get_mut(name).map(Value::take) else { return };
    let parts = schema.get("allOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        let target = part["$ref"].as_str().and_then(|target| target.rsplit('/').next());
        let part = target.and_then(|target| schemas.get(target)).unwrap_or(&part);
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    let description = schema.get("description").cloned().unwrap_or_default();
    let merged = json!({
        "type": "object", "description": description, "properties": properties, "required": required,
    });
    schemas.insert(name.to_owned(), merged);
}

/// The kinds of details, each by itself.
fn details(schemas: &mut Map<String, Value>) {
    let kinds = schemas.remove("Details").map(|mut details| details["oneOf"].take());
    let kinds = kinds.and_then(|kinds| kinds.as_array().cloned()).unwrap_or_default();
    let kind = |key: &str| kinds.iter().find(|kind| kind["properties"].get(key).is_some()).cloned();
    for (name, key) in [
        ("IssuesDetails", "issues"),
        ("BoundDetails", "boundInstallationId"),
        ("PlatformDetails", "platform"),
        ("ChecksDetails", "checks"),
    ] {
        schemas.insert(name.to_owned(), kind(key).unwrap_or_default());
    }
    let visit: Vec<_> = CallbackRefusal::ALL.iter().map(|reason| reason.as_str()).collect();
    let delivery: Vec<_> = DeliveryFault::ALL.iter().map(|fault| webhook::reason(*fault)).collect();
    for (name, reasons) in [("VisitDetails", visit), ("DeliveryDetails", delivery)] {
        let mut reason = kind("reason").unwrap_or_default();
        reason["properties"]["reason"] = json!({ "type": "string", "enum": reasons });
        schemas.insert(name.to_owned(), reason);
    }
}

/// `ErrorBody`, which every error is, and each kind of error with its own codes and details.
fn errors(schemas: &mut Map<String, Value>) {
    schemas.retain(|name, _| !name.starts_with("Envelope") && !name.starts_with("Failure"));
    let failure = serde_json::to_value(<Failure<'_, Details>>::schema()).unwrap_or_default();
    let envelope = |failure: &str, description: &str| {
        json!({
            "type": "object",
            "description": description,
            "properties": { "error": reference(failure) },
            "required": ["error"],
        })
    };
    let mut any = failure.clone();
    any["properties"]["details"] =
        json!({ "type": "object", "description": "Only where there is something to say." });
    schemas.insert("Failure".to_owned(), any);
    schemas.insert("ErrorBody".to_owned(), envelope("Failure", "The one body that every 4xx and 5xx has."));
    for (name, codes, told) in ERRORS {
        let mut own = failure.clone();
        let spelled: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
        own["properties"]["code"] = json!({ "type": "string", "enum": spelled });
        if let Value::Object(properties) = &mut own["properties"] {
            properties.remove("details");
            match told {
                Told::Nothing => None,
                Told::One(details) | Told::Maybe(details) => {
                    properties.insert("details".to_owned(), reference(details))
                }
                Told::Either(one, other) => properties
                    .insert("details".to_owned(), json!({ "anyOf": [reference(one), reference(other)] })),
            };
        }
        if let (Told::One(_) | Told::Either(..), Value::Array(required)) = (told, &mut own["required"]) {
            required.push(json!("details"));
        }
        schemas.insert(format!("{name}Failure"), own);
        let description = spelled.join(" or ");
        schemas.insert(format!("{name}Error"), envelope(&format!("{name}Failure"), &description));
    }
}

/// Objects have the properties that are named, and no others; what need not be there is left out, never null.
fn close(schema: &mut Value) {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties {
        let types = property.get("type").and_then(Value::as_array);
        let other = types.and_then(|types| types.iter().find(|one| *one != "null")).cloned();
        if let (Some(other), false) = (other, required.iter().any(|one| one == name)) {
            property["type"] = other;
        }
    }
    if let Value::Object(object) = schema {
        object.entry("additionalProperties").or_insert(json!(false));
    }
}

fn headers() -> Value {
    let header = |description: &str, schema: Value, always: bool| json!({ "description": description, "schema": schema, "required": always });
    let whole = |minimum: u32| json!({ "type": "integer", "minimum": minimum });
    let text = || json!({ "type": "string", "minLength": 1 });
    json!({
        "RequestId": header("The request's id; quote it to support.", reference("RequestId"), true),
        "RateLimitClass": header(
            "Which of the key's two budgets the request counts against.",
            json!({ "type": "string", "enum": ["read-light", "write-light"] }), false,
        ),
        "RateLimitLimit": header("Requests a minute of this class; also the largest burst.", whole(0), false),
        "RateLimitRemaining": header("Requests left for now.", whole(0), false),
        "RateLimitReset": header("Seconds until the budget is full again.", whole(0), false),
        "RetryAfter": header("Whole seconds after which the same call may be repeated.", whole(1), true),
        "IdempotentReplayed": header(
            "There, and `true`, where the organization was bound to this installation before.",
            json!({ "type": "string", "enum": ["true"] }), false,
        ),
        "CacheControl": header("How long the answer may be kept.", text(), true),
        "ETag": header("The document's version, for `If-None-Match`.", text(), true),
        "Location": header("Where the browser goes on to.", json!({ "type": "string", "format": "uri" }), true),
        "Challenge": header("What was missing: `Bearer`, or `X-Hub-Signature-256`.", text(), true),
        "Allow": header("The methods that the path has.", text(), true),
        "SetCookie": header("Ties the question to the browser that was asked, or clears that.", text(), false),
        "ContentSecurityPolicy": header("On pages.", text(), false),
        "ReferrerPolicy": header("On pages and redirects.", json!({ "type": "string", "enum": ["no-referrer"] }), false),
        "ContentTypeOptions": header("On pages.", json!({ "type": "string", "enum": ["nosniff"] }), false),
        "FrameOptions": header("On pages.", json!({ "type": "string", "enum": ["DENY"] }), false),
    })
}
