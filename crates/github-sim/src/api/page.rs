//! Pages of lists: `page`, `per_page` (up to 100, default 30) and the `Link` header.

use axum::Json;
use axum::http::header::LINK;
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde_json::Value;

use crate::urls::Params;

/// The requested page of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Pagination {
    number: usize,
    size: usize,
}

impl Pagination {
    /// Reads `page` and `per_page`. Values that are not positive numbers are ignored, and large ones are capped.
    pub(crate) fn requested(params: &Params) -> Self {
        let number = |name| params.get(name).and_then(|n| n.parse::<usize>().ok()).filter(|n| *n > 0);
        Self { number: number("page").unwrap_or(1), size: number("per_page").unwrap_or(30).min(100) }
    }

    /// Returns the number of items on a page.
    pub(crate) fn size(self) -> usize {
        self.size
    }

    /// Returns the items of this page.
    pub(crate) fn slice<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip((self.number - 1).saturating_mul(self.size)).take(self.size).collect()
    }

    /// Returns a response with `body` and the `Link` header of a list with `total` items at `url`.
    pub(crate) fn response(self, url: &str, total: usize, body: Value) -> Response {
        let links = self.links(url, total);
        let link = (!links.is_empty()).then(|| AppendHeaders([(LINK, links)]));
        (link, Json(body)).into_response()
    }

    fn links(self, url: &str, total: usize) -> String {
        let last = total.div_ceil(self.size).max(1);
        let link =
            |page: usize, rel: &str| format!("<{url}?per_page={}&page={page}>; rel=\"{rel}\"", self.size);
        let mut links = Vec::new();
        if self.number > 1 {
            links.push(link((self.number - 1).min(last), "prev"));
        }
        if self.number < last {
            links.push(link(self.number + 1, "next"));
            links.push(link(last, "last"));
        }
        if self.number > 1 {
            links.push(link(1, "first"));
        }
        links.join(", ")
    }
}
