//! Values by installation and key, each made by one flight at a time.
//!
//! Our own, not a cache crate: what matters here is what those leave to their users. A value carries the generation of
//! the installation's row under which it was made; an eviction also forgets the flights that are under way, so that none
//! of them comes back afterwards (L-39); a flight belongs to all who wait for it, so that no cancelled caller strands
//! another (L-38). There is no runtime in the core, hence no task of its own: whoever waits drives the flight.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use time::OffsetDateTime;

use crate::model::InstallationId;

type Flown<V, E> = BoxFuture<'static, Result<V, E>>;

/// What a look finds.
pub(crate) enum Found<V: Clone, E: Clone> {
    /// A value that is fresh and of the asked generation.
    Fresh(V),
    /// A flight, one's own or one that was joined: to be awaited.
    Flying(Shared<Flown<V, E>>),
    /// The cache holds a later generation than the asked one: what the caller read is outdated.
    Outdated,
}

enum Entry<V: Clone, E: Clone> {
    Landed { value: V, generation: u64, fresh_until: OffsetDateTime },
    Flying { number: u64, generation: u64, flight: WeakShared<Flown<V, E>> },
}

impl<V: Clone, E: Clone> Entry<V, E> {
    const fn generation(&self) -> u64 {
        match self {
            Self::Landed { generation, .. } | Self::Flying { generation, .. } => *generation,
        }
    }
}

/// Two levels, so that a look needs no key of its own making and an eviction finds all of an installation.
struct Entries<K, V: Clone, E: Clone> {
    by_installation: HashMap<InstallationId, HashMap<K, Entry<V, E>>>,
    flights: u64,
}

/// A clone is the same cache.
pub(crate) struct Cache<K, V: Clone, E: Clone> {
    entries: Arc<Mutex<Entries<K, V, E>>>,
    capacity: usize,
}

impl<K, V: Clone, E: Clone> Clone for Cache<K, V, E> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries), capacity: self.capacity }
    }
}

impl<K, V: Clone, E: Clone> fmt::Debug for Cache<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl<K, V, E> Cache<K, V, E>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Holds at most `capacity` values; beyond that the one that would end first goes.
    pub(crate) fn new(capacity: usize) -> Self {
        let entries = Entries { by_installation: HashMap::new(), flights: 0 };
        Self { entries: Arc::new(Mutex::new(entries)), capacity }
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V, E>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value, a flight to join, or a new flight, which `start` makes and which lands by [`Flight::land`].
    pub(crate) fn look(
        &self,
        installation: InstallationId,
        key: &K,
        generation: u64,
        now: OffsetDateTime,
        start: impl FnOnce(Flight<K, V, E>) -> Flown<V, E>,
    ) -> Found<V, E> {
        let number = {
            let mut entries = self.lock();
            if let Some(found) = entries.find(installation, key, generation, now) {
                return found;
            }
            entries.flights += 1;
            entries.flights
        };
        // Made, and dropped where a rival was quicker, without the lock: a flight that is dropped takes it.
        let flight = Flight { cache: self.clone(), installation, key: key.clone(), number, generation };
        let flight = start(flight).shared();
        let mut entries = self.lock();
        if let Some(found) = entries.find(installation, key, generation, now) {
            drop(entries);
            return found;
        }
        if let Some(weak) = flight.downgrade() {
            let entry = Entry::Flying { number, generation, flight: weak };
            entries.by_installation.entry(installation).or_default().insert(key.clone(), entry);
        }
        drop(entries);
        Found::Flying(flight)
    }

    /// Forgets all of an installation, and that its flights are under way. The values that there were.
    pub(crate) fn evict(&self, installation: InstallationId) -> Vec<V> {
        let evicted = self.lock().by_installation.remove(&installation).unwrap_or_default();
        values(evicted).collect()
    }

    /// Forgets everything. The values that there were.
    pub(crate) fn clear(&self) -> Vec<V> {
        let evicted = std::mem::take(&mut self.lock().by_installation);
        evicted.into_values().flat_map(values).collect()
    }
}

fn values<K, V: Clone, E: Clone>(entries: HashMap<K, Entry<V, E>>) -> impl Iterator<Item = V> {
    entries.into_values().filter_map(|entry| match entry {
        Entry::Landed { value, .. } => Some(value),
        Entry::Flying { .. } => None,
    })
}

impl<K: Clone + Eq + Hash, V: Clone, E: Clone> Entries<K, V, E> {
    fn find(
        &self,
        installation: InstallationId,
        key: &K,
        generation: u64,
        now: OffsetDateTime,
    ) -> Option<Found<V, E>> {
        match self.by_installation.get(&installation)?.get(key)? {
            entry if entry.generation() > generation => Some(Found::Outdated),
            Entry::Landed { value, generation: made, fresh_until } => {
                (*made == generation && now < *fresh_until).then(|| Found::Fresh(value.clone()))
            }
            // One that is about to be dropped, since nobody waits for it any more, is none.
            Entry::Flying { generation: made, flight, .. } => {
                flight.upgrade().filter(|_| *made == generation).map(Found::Flying)
            }
        }
    }

    fn len(&self) -> usize {
        self.by_installation.values().map(HashMap::len).sum()
    }

    fn remove(&mut self, installation: InstallationId, key: &K) {
        if let Some(by_key) = self.by_installation.get_mut(&installation) {
            by_key.remove(key);
            if by_key.is_empty() {
                self.by_installation.remove(&installation);
            }
        }
    }

    fn make_room(&mut self, capacity: usize, now: OffsetDateTime) {
        if self.len() <= capacity {
            return;
        }
        self.by_installation.retain(|_, by_key| {
            by_key.retain(|_, entry| match entry {
                Entry::Landed { fresh_until, .. } => now < *fresh_until,
                // One that is dropped removes itself.
                Entry::Flying { .. } => true,
            });
            !by_key.is_empty()
        });
        while self.len() > capacity {
            let all = self.by_installation.iter().flat_map(|(installation, by_key)| {
                by_key.iter().filter_map(move |(key, entry)| match entry {
                    Entry::Landed { fresh_until, .. } => Some((*fresh_until, *installation, key)),
                    Entry::Flying { .. } => None,
                })
            });
            let Some((_, installation, key)) = all.min_by_key(|(fresh_until, ..)| *fresh_until) else {
                return;
            };
            let key = key.clone();
            self.remove(installation, &key);
        }
    }
}

/// A flight under way: whoever flies it either lands it or drops it, and dropped it leaves nothing behind.
pub(crate) struct Flight<K: Clone + Eq + Hash, V: Clone, E: Clone> {
    cache: Cache<K, V, E>,
    installation: InstallationId,
    key: K,
    number: u64,
    generation: u64,
}

impl<K: Clone + Eq + Hash, V: Clone, E: Clone> Flight<K, V, E> {
    fn is_current(&self, entries: &Entries<K, V, E>) -> bool {
        let kept = entries.by_installation.get(&self.installation).and_then(|by_key| by_key.get(&self.key));
        matches!(kept, Some(Entry::Flying { number, .. }) if *number == self.number)
    }

    /// Whether what it brings would still be taken.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_current(&self.cache.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the value until `fresh_until`. `false`: it was evicted meanwhile, must not be used, and is not kept.
    pub(crate) fn land(self, value: V, now: OffsetDateTime, fresh_until: OffsetDateTime) -> bool {
        let mut entries = self.cache.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.is_current(&entries);
        if current {
            let entry = Entry::Landed { value, generation: self.generation, fresh_until };
            entries.by_installation.entry(self.installation).or_default().insert(self.key.clone(), entry);
            entries.make_room(self.cache.capacity, now);
        }
        drop(entries);
        current
    }
}

impl<K: Clone + Eq + Hash, V: Clone, E: Clone> Drop for Flight<K, V, E> {
    fn drop(&mut self) {
        let mut entries = self.cache.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_current(&entries) {
            entries.remove(self.installation, &self.key);
        }
    }
}

#[cfg(test)]
mod tests;
