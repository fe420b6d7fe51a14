//! Lists come in pages: `per_page` up to 100, thirty by default, and a `Link` header to the others.

use axum::Json;
use axum::http::header::LINK;
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde_json::Value;

use crate::urls::Params;

/// Which page was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Page {
    number: usize,
    size: usize,
}

impl Page {
    /// What is no number, or too small, is as if it were not said; what is too large is cut.
    pub(crate) fn asked(params: &Params) -> Self {
        let number = |name| params.get(name).and_then(|n| n.parse::<usize>().ok()).filter(|n| *n > 0);
        Self { number: number("page").unwrap_or(1), size: number("per_page").unwrap_or(30).min(100) }
    }

    /// How many a page holds.
    pub(crate) fn size(self) -> usize {
        self.size
    }

    /// This page of `all`.
    pub(crate) fn of<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip((self.number - 1).saturating_mul(self.size)).take(self.size).collect()
    }

    /// `body` with the links of a list of `total` at `url`.
    pub(crate) fn answer(self, url: &str, total: usize, body: Value) -> Response {
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
