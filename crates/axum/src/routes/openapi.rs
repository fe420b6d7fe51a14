//! `GET /openapi.json` and `GET /openapi-3.0.json`

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::openapi_3_0;
use crate::endpoint::Endpoint;
use crate::options::Context;
use crate::wire::header_list;

/// The document changes only with the program's version and options.
const CACHE_CONTROL: &str = "public, max-age=300";

const DOCUMENT: &str = include_str!("../../openapi.json");

/// Returns the OpenAPI 3.1 document of everything that a [`router`](crate::router) can serve, for a host with a document of
/// its own. Paths are without the prefix under which the router is nested.
#[must_use]
pub fn openapi() -> Value {
    serde_json::from_str(DOCUMENT).unwrap_or_default()
}

/// The documents as served, cached for the server URL of the first request. A router that is nested twice renders the
/// other URL for each request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Documents {
    openapi_3_1: Arc<OnceLock<Rendition>>,
    openapi_3_0: Arc<OnceLock<Rendition>>,
}

#[derive(Debug, Clone)]
struct Rendition {
    server: String,
    text: Bytes,
    etag: Option<HeaderValue>,
}

impl Rendition {
    fn new(server: &str, context: &Context, convert: fn(Value) -> Value) -> Self {
        let mut document = openapi();
        if let Value::Object(document) = &mut document {
            document.insert("servers".to_owned(), json!([{ "url": server }]));
            if let Some(Value::Object(paths)) = document.get_mut("paths") {
                let served: Vec<_> =
                    Endpoint::served(context).map(|endpoint| endpoint.method_and_path().1).collect();
                paths.retain(|path, _| served.contains(&path.as_str()));
            }
        }
        let text = convert(document).to_string();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let etag = HeaderValue::from_str(&format!("\"{:016x}\"", hasher.finish())).ok();
        Self { server: server.to_owned(), text: text.into(), etag }
    }
}

pub(super) async fn get_3_1(
    State(context): State<Context>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let cache = &context.documents.openapi_3_1;
    respond(Endpoint::GetOpenapi, uri.path(), &headers, &context, cache, |document| document)
}

pub(super) async fn get_3_0(
    State(context): State<Context>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let cache = &context.documents.openapi_3_0;
    respond(Endpoint::GetOpenapi30, uri.path(), &headers, &context, cache, openapi_3_0::convert)
}

fn respond(
    endpoint: Endpoint,
    path: &str,
    headers: &HeaderMap,
    context: &Context,
    cache: &OnceLock<Rendition>,
    convert: fn(Value) -> Value,
) -> Response {
    // Only the request's path shows where the router is nested.
    let (_, own) = endpoint.method_and_path();
    let prefix = path.strip_suffix(own).filter(|prefix| !prefix.is_empty()).unwrap_or("/");
    let server = context.options.public_url.as_deref().unwrap_or(prefix);
    let cached = cache.get_or_init(|| Rendition::new(server, context, convert));
    let rendition =
        if cached.server == server { cached.clone() } else { Rendition::new(server, context, convert) };
    let mut response = if rendition.etag.as_ref().is_some_and(|etag| matches_etag(headers, etag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], Body::from(rendition.text)).into_response()
    };
    let headers = response.headers_mut();
    headers.extend(rendition.etag.map(|etag| (header::ETAG, etag)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL));
    response
}

/// Whether `If-None-Match` names the tag, by weak comparison (RFC 9110 §13.1.2).
fn matches_etag(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    header_list::items(headers, header::IF_NONE_MATCH, b',')
        .any(|tag| tag == b"*" || etag.as_bytes() == tag.strip_prefix(b"W/").unwrap_or(tag))
}
