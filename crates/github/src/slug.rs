use std::sync::{PoisonError, RwLock};

use crate::http::redacted;
use crate::identifiers::is_slug;

/// The App's name in URLs: the configured one, until GitHub reports another because the App was renamed.
#[derive(Debug)]
pub(crate) struct Slug(RwLock<String>);

impl Slug {
    pub(crate) fn new(configured: String) -> Self {
        Self(RwLock::new(configured))
    }

    pub(crate) fn current(&self) -> String {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over the slug that GitHub reports for our App. One with other characters than slugs have is ignored.
    pub(crate) fn observe(&self, reported: &str) {
        if !is_slug(reported) || self.current() == reported {
            return;
        }
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if *current != reported {
            tracing::warn!(
                configured = %*current,
                reported = redacted(reported),
                "the App was renamed at GitHub: install links use the new slug; configure it"
            );
            reported.clone_into(&mut current);
        }
    }
}
