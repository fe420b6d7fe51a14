//! A document that is kept once it was made.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use http::HeaderValue;

/// What was made of a server's URL.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    server: String,
    pub(crate) text: Bytes,
    /// Changes whenever the text does.
    pub(crate) tag: Option<HeaderValue>,
}

impl Document {
    fn new(server: &str, text: String) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let tag = HeaderValue::from_str(&format!("\"{:016x}\"", hasher.finish())).ok();
        Self { server: server.to_owned(), text: text.into(), tag }
    }
}

/// Keeps the first one, so that asking for it costs nothing; a router that is nested twice makes the other each time.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeptDocument(Arc<OnceLock<Document>>);

impl KeptDocument {
    /// The document for this server.
    pub(crate) fn get(&self, server: &str, make: impl Fn() -> String) -> Document {
        let kept = self.0.get_or_init(|| Document::new(server, make()));
        if kept.server == server { kept.clone() } else { Document::new(server, make()) }
    }
}
