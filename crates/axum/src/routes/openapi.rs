//! `GET /openapi.json`

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::options::Context;

/// The document changes with the program's version and options only.
const CACHE_CONTROL: &str = "public, max-age=300";

const DOCUMENT: &str = include_str!("../../openapi.json");

/// Returns the OpenAPI 3.1 document of everything that a [`router`](crate::router) can serve, for a host that keeps a
/// document of its own. Paths are without the prefix that the router may be nested at.
#[must_use]
pub fn openapi() -> Value {
    serde_json::from_str(DOCUMENT).unwrap_or_default()
}

/// The document as it is served under one URL. Made at the first request, which tells where the router is nested; a router
/// that is nested twice makes the other rendition for each request.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServedDocument(Arc<OnceLock<Rendition>>);

#[derive(Debug, Clone)]
struct Rendition {
    server: String,
    text: Bytes,
    etag: Option<HeaderValue>,
}

impl ServedDocument {
    fn get(&self, server: &str, context: &Context) -> Rendition {
        let kept = self.0.get_or_init(|| Rendition::new(server, context));
        if kept.server == server { kept.clone() } else { Rendition::new(server, context) }
    }
}

impl Rendition {
    fn new(server: &str, context: &Context) -> Self {
        let mut document = openapi();
        if let Value::Object(document) = &mut document {
            document.insert("servers".to_owned(), json!([{ "url": server }]));
            if let Some(Value::Object(paths)) = document.get_mut("paths") {
                let served: Vec<_> = Endpoint::served(context).map(|endpoint| endpoint.place().1).collect();
                paths.retain(|path, _| served.contains(&path.as_str()));
            }
        }
        let text = document.to_string();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let etag = HeaderValue::from_str(&format!("\"{:016x}\"", hasher.finish())).ok();
        Self { server: server.to_owned(), text: text.into(), etag }
    }
}

pub(super) async fn get(
    State(context): State<Context>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    // Only a request tells where the router is nested.
    let (_, own) = Endpoint::GetOpenapi.place();
    let prefix = uri.path().strip_suffix(own).filter(|prefix| !prefix.is_empty()).unwrap_or("/");
    let server = context.options.server_url.as_deref().unwrap_or(prefix);
    let rendition = context.document.get(server, &context);
    let mut response = if rendition.etag.as_ref().is_some_and(|etag| has(&headers, etag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], Body::from(rendition.text)).into_response()
    };
    let headers = response.headers_mut();
    headers.extend(rendition.etag.map(|etag| (header::ETAG, etag)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL));
    response
}

/// Whether `If-None-Match` names the tag; compared weakly, as RFC 9110 §13.1.2 says.
fn has(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let mut known = known.flat_map(|tags| tags.split(',')).map(str::trim);
    known.any(|tag| tag == "*" || etag == tag.trim_start_matches("W/"))
}
