//! Lists with missing entries, a wrong `total_count`, or smaller pages.

use std::collections::BTreeSet;
use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::Uri;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value;

use crate::sim::GithubSim;
use crate::urls::{Params, encode_query};

/// The ids of organizations that a list omits, as a request extension.
#[derive(Clone, Debug, Default)]
pub(crate) struct HiddenOrganizations(pub(crate) BTreeSet<u64>);

impl FromRequestParts<GithubSim> for HiddenOrganizations {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &GithubSim) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// How a list differs from the normal one.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListFault {
    pub(super) missing: usize,
    pub(super) total_count_off_by: i64,
    pub(super) max_per_page: Option<usize>,
}

impl ListFault {
    pub(super) async fn respond(self, mut request: Request, next: Next) -> Response {
        if let Some(max) = self.max_per_page {
            cap_page_size(request.uri_mut(), max);
        }
        let (mut head, body) = next.run(request).await.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let Ok(mut list) = serde_json::from_slice::<Value>(&bytes) else {
            return Response::from_parts(head, Body::from(bytes));
        };
        self.change(&mut list);
        head.headers.remove(CONTENT_LENGTH);
        Response::from_parts(head, Body::from(list.to_string()))
    }

    fn change(self, list: &mut Value) {
        if let Some(total) = list.get_mut("total_count") {
            let count = total.as_i64().unwrap_or_default();
            *total = count.saturating_add(self.total_count_off_by).max(0).into();
        }
        let entries = match list {
            Value::Array(entries) => Some(entries),
            Value::Object(members) => members.values_mut().find_map(Value::as_array_mut),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        if let Some(entries) = entries {
            entries.truncate(entries.len().saturating_sub(self.missing));
        }
    }
}

/// Lowers `per_page` to `max`, as if GitHub's limit were lower.
fn cap_page_size(uri: &mut Uri, max: usize) {
    let params = Params::parse(uri.query().unwrap_or_default().as_bytes());
    let asked = params.get("per_page").and_then(|size| size.parse().ok()).unwrap_or(30);
    let size = max.min(asked).to_string();
    let others = params.pairs().filter(|(name, _)| *name != "per_page");
    let query = encode_query(others.chain([("per_page", size.as_str())]));
    if let Ok(capped) = format!("{}?{query}", uri.path()).parse() {
        *uri = capped;
    }
}
