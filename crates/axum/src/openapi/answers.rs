//! The answers of an operation, status by status.

#![expect(clippy::indexing_slicing, reason = "JSON that is made here, and in every test that asks for it")]

use serde_json::{Map, Value, json};

use super::examples;
use super::reference::reference;
use crate::endpoint::{Access, Endpoint};

/// Which headers a group of answers has, by the names of their components.
const ALWAYS: &[(&str, &str)] = &[("X-Request-Id", "RequestId"), ("Cache-Control", "CacheControl")];
const BUDGET: &[(&str, &str)] = &[
    ("X-RateLimit-Endpoint-Class", "RateLimitClass"),
    ("X-RateLimit-Limit", "RateLimitLimit"),
    ("X-RateLimit-Remaining", "RateLimitRemaining"),
    ("X-RateLimit-Reset", "RateLimitReset"),
];
pub(super) const PAGE: &[(&str, &str)] = &[
    ("Content-Security-Policy", "ContentSecurityPolicy"),
    ("Referrer-Policy", "ReferrerPolicy"),
    ("X-Content-Type-Options", "ContentTypeOptions"),
    ("X-Frame-Options", "FrameOptions"),
];

/// Collects them.
pub(super) struct Answers {
    access: Access,
    responses: Map<String, Value>,
}

impl Answers {
    /// With those that every operation of its kind has.
    pub(super) fn of(endpoint: Endpoint) -> Self {
        let access = endpoint.access();
        let answers = Self { access, responses: Map::new() }
            .error(400, "BadRequest", "Not exactly one `Host` header.")
            .error(408, "BadRequest", "The request's head did not come in time: said by `dockline serve`, before any key is looked at.")
            .error(414, "BadRequest", "Path and query are too long: said by `dockline serve`.")
            .error(431, "BadRequest", "There are too many headers, or they are too large: said by `dockline serve`.")
            .error(500, "Internal", "The fault is ours. Quote the request id to support.")
            .error(
                503,
                "Unavailable",
                "Our store cannot be reached, or the request took too long. Nothing was changed.",
            )
            .with(503, &[("Retry-After", "RetryAfter")]);
        let keyed = |answers: Self| {
            answers
                .error(401, "Unauthenticated", "No valid API key. Costs no budget.")
                .with(401, &[("WWW-Authenticate", "Challenge")])
                .error(
                    429,
                    "RateLimited",
                    "The key's budget is used up, and after `Retry-After` the same call gets through; or too many calls of this \
                     address had no valid key, where the host limits guesses.",
                )
                .with(429, &[("Retry-After", "RetryAfter")])
        };
        match access {
            Access::GithubAdmin => keyed(answers).error(
                403,
                "ForbiddenScope",
                "The key lacks the scope `github:admin`. Costs no budget.",
            ),
            Access::AnyKey => keyed(answers),
            Access::Signed => answers
                .error(401, "Unauthenticated", "Not signed with our webhook secret.")
                .with(401, &[("WWW-Authenticate", "Challenge")])
                .error(
                    429,
                    "RateLimited",
                    "Too many deliveries of this address were not signed, where the host limits guesses.",
                )
                .with(429, &[("Retry-After", "RetryAfter")]),
            Access::Open => answers,
        }
    }

    /// An answer without a body.
    pub(super) fn empty(self, status: u16, description: &str) -> Self {
        self.answer(status, description, None)
    }

    /// An answer with a JSON body.
    pub(super) fn json(self, status: u16, schema: &str, description: &str, examples: Value) -> Self {
        let content = json!({ "application/json": { "schema": reference(schema), "examples": examples } });
        self.answer(status, description, Some(content))
    }

    /// An answer with a body of text.
    pub(super) fn text(self, status: u16, media_type: &str, description: &str) -> Self {
        let content = json!({ media_type: { "schema": { "type": "string" } } });
        self.answer(status, description, Some(content))
    }

    pub(super) fn error(self, status: u16, kind: &str, description: &str) -> Self {
        let schema = format!("{kind}Error");
        self.json(status, &schema, description, examples::error(kind))
    }

    /// An error that a browser gets as a page.
    pub(super) fn turned_away(mut self, status: u16, kind: &str, description: &str) -> Self {
        self = self.error(status, kind, description);
        if let Some(response) = self.responses.get_mut(&status.to_string()) {
            response["content"]["text/html"] = json!({ "schema": { "type": "string" } });
        }
        let headers = if status == 503 { &[("Retry-After", "RetryAfter")][..] } else { &[] };
        self.with(status, PAGE).with(status, headers)
    }

    /// Further headers of an answer.
    pub(super) fn with(mut self, status: u16, headers: &[(&str, &str)]) -> Self {
        if let Some(Value::Object(all)) =
            self.responses.get_mut(&status.to_string()).map(|r| &mut r["headers"])
        {
            all.extend(references(headers));
        }
        self
    }

    /// Links from an answer to what can be called with it.
    pub(super) fn links(mut self, status: u16, links: Value) -> Self {
        if let Some(response) = self.responses.get_mut(&status.to_string()) {
            response["links"] = links;
        }
        self
    }

    pub(super) fn done(self) -> Value {
        Value::from(self.responses)
    }

    fn answer(mut self, status: u16, description: &str, content: Option<Value>) -> Self {
        let mut headers: Map<_, _> = references(ALWAYS).collect();
        let admitted = matches!(self.access, Access::GithubAdmin | Access::AnyKey)
            && !matches!(status, 400 | 401 | 408 | 414 | 431);
        if admitted {
            headers.extend(references(BUDGET));
        }
        let mut response = json!({ "description": description, "headers": headers });
        if let Some(content) = content {
            response["content"] = content;
        }
        self.responses.insert(status.to_string(), response);
        self
    }
}

/// Every path has this for the methods that it does not name.
pub(super) fn method_not_allowed() -> Value {
    let answers = Answers { access: Access::Open, responses: Map::new() };
    let description = "The path does not have this method; `Allow` lists those that it has.";
    let answers = answers.error(405, "MethodNotAllowed", description).with(405, &[("Allow", "Allow")]);
    answers.responses.get("405").cloned().unwrap_or_default()
}

/// Where there is no path.
pub(super) fn unknown_path() -> Value {
    let answers = Answers { access: Access::Open, responses: Map::new() };
    let answers = answers.error(404, "NotFound", "There is nothing at this path.");
    answers.responses.get("404").cloned().unwrap_or_default()
}

fn references(headers: &[(&str, &str)]) -> impl Iterator<Item = (String, Value)> {
    headers.iter().map(|(name, component)| {
        ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{component}") }))
    })
}
