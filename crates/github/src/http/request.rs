use dockline::InstallationToken;
use http::Method;
use secrecy::SecretString;

use crate::observer::Operation;

/// Size limit of most responses: a hundred installations take about 300 KiB.
const DEFAULT_MAX_BODY: usize = 1 << 20;
/// Size limit of responses with repositories of about 6 KiB each: a page lists a hundred, and a token narrowed to five
/// hundred comes with all of them.
const LARGE_MAX_BODY: usize = 8 << 20;

/// How a request is authenticated.
#[derive(Clone, Copy)]
pub(crate) enum Credential<'a> {
    /// The client secret is in the form.
    InForm,
    /// The code in the path is the credential.
    InPath,
    /// The App's JWT or a visitor's token.
    Bearer(&'a SecretString),
    Installation(&'a InstallationToken),
    /// The OAuth client's id and secret.
    Basic(&'a str, &'a SecretString),
}

#[derive(Clone)]
pub(super) enum Body {
    None,
    Form(String),
    Json(String),
}

/// A request to one of GitHub's two base URLs. Not `Debug`: the body may hold a secret.
#[derive(Clone)]
pub(crate) struct Request {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// Path and query, appended to the base URL.
    pub(super) path: String,
    pub(super) body: Body,
    pub(super) extra_header: Option<(&'static str, &'static str)>,
    pub(super) max_body: usize,
}

impl Request {
    fn new(operation: Operation, method: Method, path: impl Into<String>, body: Body) -> Self {
        Self { operation, method, path: path.into(), body, extra_header: None, max_body: DEFAULT_MAX_BODY }
    }

    pub(crate) fn get(operation: Operation, path: impl Into<String>) -> Self {
        Self::new(operation, Method::GET, path, Body::None)
    }

    pub(crate) fn delete(operation: Operation, path: impl Into<String>) -> Self {
        Self::new(operation, Method::DELETE, path, Body::None)
    }

    pub(crate) fn delete_json(operation: Operation, path: impl Into<String>, json: String) -> Self {
        Self::new(operation, Method::DELETE, path, Body::Json(json))
    }

    pub(crate) fn post(operation: Operation, path: impl Into<String>) -> Self {
        Self::new(operation, Method::POST, path, Body::None)
    }

    pub(crate) fn post_json(operation: Operation, path: impl Into<String>, json: String) -> Self {
        Self::new(operation, Method::POST, path, Body::Json(json))
    }

    pub(crate) fn post_form(operation: Operation, path: impl Into<String>, form: String) -> Self {
        Self::new(operation, Method::POST, path, Body::Form(form))
    }

    pub(crate) fn with_header(self, name: &'static str, value: &'static str) -> Self {
        Self { extra_header: Some((name, value)), ..self }
    }

    /// Raises the size limit for a response with repositories.
    pub(crate) fn with_large_response(self) -> Self {
        Self { max_body: LARGE_MAX_BODY, ..self }
    }
}
