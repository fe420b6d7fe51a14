//! `GET /openapi.json`: what the API is, for generators and people (OpenAPI 3.1). Made from the table of endpoints that
//! the router is made from, and from the types that answers are made from.

mod answers;
mod components;
mod describe;
mod examples;
mod reference;
mod tell;

use serde_json::{Map, Value, json};

pub(crate) use tell::tell;

use crate::endpoint::{Endpoint, Method};

/// The OpenAPI 3.1 document of all that a [`router`](crate::router) can serve, `/metrics` included, for a host that keeps a
/// document of its own. Paths are as the router has them, without the prefix that it may be nested at.
#[must_use]
pub fn openapi() -> Value {
    document(Endpoint::ALL.iter().copied(), "/")
}

/// The document of these endpoints, below `server`.
fn document(endpoints: impl Iterator<Item = Endpoint>, server: &str) -> Value {
    let mut paths = Map::new();
    for endpoint in endpoints {
        let (method, path) = endpoint.place();
        let method = match method {
            Method::Get => "get",
            Method::Post => "post",
            Method::Delete => "delete",
        };
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(method.to_owned(), describe::operation(endpoint));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Dockline",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Binds GitHub App installations to the organizations of a multi-tenant product.",
            "description": INTRODUCTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": server }],
        "tags": [
            { "name": "github", "description": "The organization's GitHub App installation." },
            { "name": "account", "description": "The caller." },
            { "name": "operations", "description": "For whoever runs the service. No key is needed." },
        ],
        "paths": paths,
        "components": components::components(),
    })
}

const INTRODUCTION: &str = "\
A product sends its user to an install URL (`installUrl`). GitHub sends the browser back, Dockline asks the visitor to confirm, \
and redirects to the product's `returnUrl` with an `installation_id` and the `state`; the product posts both \
(`registerInstallation`). One installation per organization. No long-lived GitHub credential is stored.\n\n\
**Every answer** carries `X-Request-Id`. **Every 4xx and 5xx** has the body of the schema `ErrorBody`, but that a browser gets a \
page from the callback. An unknown path is 404 `NOT_FOUND`; a method that a path does not have is 405 `METHOD_NOT_ALLOWED` \
(`#/components/responses/MethodNotAllowed`) with `Allow`; every GET also answers HEAD.\n\n\
**Queries**: an operation that has parameters takes those and no others, each at most once, anything else is 422; one that has \
none does not look at the query. The callback, whose query is GitHub's, passes over what it does not know. **Bodies** are as \
strict as their schemas.\n\n\
**Checks come in this order**: path and method, key (401), scope (403), budget (429), media type (415), size (413), content (422), \
and then everything that depends on what is stored. In every 5xx nothing was changed, and the same call may be repeated.";
