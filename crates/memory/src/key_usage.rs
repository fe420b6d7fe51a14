use std::collections::HashMap;
use std::fmt;

use dockline::KeyId;
use dockline::ports::KeyUsage;
use time::OffsetDateTime;

use crate::shared::Shared;

/// When each key was last used, to the letter: in memory nothing has to be coarse. A small entry for each key that was
/// ever used, for ever.
#[derive(Clone, Default)]
pub struct MemoryKeyUsage(Shared<HashMap<KeyId, OffsetDateTime>>);

impl MemoryKeyUsage {
    /// Nobody used anything yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// When the key was last used; `None` where it never was. Never goes back.
    #[must_use]
    pub fn last_used(&self, key: &KeyId) -> Option<OffsetDateTime> {
        self.0.lock().get(key).copied()
    }
}

impl fmt::Debug for MemoryKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryKeyUsage").finish_non_exhaustive()
    }
}

impl KeyUsage for MemoryKeyUsage {
    fn used(&self, key: &KeyId, at: OffsetDateTime) {
        let mut last = self.0.lock();
        match last.get_mut(key) {
            Some(known) => *known = at.max(*known),
            None => {
                last.insert(key.clone(), at);
            }
        }
    }
}
