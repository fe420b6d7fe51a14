//! The lock on the world, which tells Apps what changed before it opens.

use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;

use super::announce;
use crate::world::{Shared, World};

/// The world, locked. Never held over an await.
#[derive(Debug)]
pub(crate) struct Guard<'a> {
    world: MutexGuard<'a, World>,
    shared: &'a Shared,
}

impl<'a> Guard<'a> {
    pub(crate) fn lock(shared: &'a Shared) -> Self {
        Self { world: shared.world(), shared }
    }
}

impl Deref for Guard<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Drop for Guard<'_> {
    /// Whatever way a change came, by page, REST, control API or library, nobody can see it before its deliveries are made.
    fn drop(&mut self) {
        announce(&mut self.world, &self.shared.urls());
        if self.world.outbox.next(self.world.now()).is_some() {
            self.shared.mail.notify_one();
        }
    }
}
