//! A cache of values per installation and key, which computes each value once for any number of callers.
//!
//! Beyond a common cache crate it guarantees:
//! - A value belongs to one generation of the installation's row and is never served for another.
//! - An eviction also detaches the computations in flight, so that none of them stores its value afterwards.
//! - The waiting callers drive a computation together, so that a cancelled caller strands no other. No runtime is needed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use time::OffsetDateTime;

use crate::model::InstallationId;

type Computation<V, E> = BoxFuture<'static, Result<V, E>>;

/// The outcome of [`Cache::get_or_start`].
pub(crate) enum Lookup<V: Clone, E: Clone> {
    /// A value of the requested generation that has not expired.
    Fresh(V),
    /// A computation to await, started by this call or by an earlier one.
    InFlight(Shared<Computation<V, E>>),
    /// The cache holds a later generation, so the caller's row is outdated.
    Outdated,
}

enum Entry<V: Clone, E: Clone> {
    Ready { value: V, generation: u64, fresh_until: OffsetDateTime },
    InFlight { number: u64, generation: u64, computation: WeakShared<Computation<V, E>> },
}

impl<V: Clone, E: Clone> Entry<V, E> {
    const fn generation(&self) -> u64 {
        match self {
            Self::Ready { generation, .. } | Self::InFlight { generation, .. } => *generation,
        }
    }
}

/// Two levels, so that a lookup clones no key and an eviction finds all entries of an installation, which are usually few.
struct Entries<K, V: Clone, E: Clone> {
    by_installation: HashMap<InstallationId, BTreeMap<K, Entry<V, E>>>,
    flights: u64,
}

/// A clone is another handle to the same cache.
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

impl<K, V: Clone, E: Clone> Cache<K, V, E> {
    fn lock(&self) -> MutexGuard<'_, Entries<K, V, E>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V, E> Cache<K, V, E>
where
    K: Clone + Ord + Send + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Holds at most `capacity` values. Beyond that, the value that expires first is dropped.
    pub(crate) fn new(capacity: usize) -> Self {
        let entries = Entries { by_installation: HashMap::new(), flights: 0 };
        Self { entries: Arc::new(Mutex::new(entries)), capacity }
    }

    /// Returns the value, the computation in flight, or a new computation, which `start` creates and which stores its
    /// value by [`Flight::complete`].
    pub(crate) fn get_or_start(
        &self,
        installation: InstallationId,
        key: &K,
        generation: u64,
        now: OffsetDateTime,
        start: impl FnOnce(Flight<K, V, E>) -> Computation<V, E>,
    ) -> Lookup<V, E> {
        let number = {
            let mut entries = self.lock();
            if let Some(found) = entries.find(installation, key, generation, now) {
                return found;
            }
            entries.flights += 1;
            entries.flights
        };
        // Created, and dropped if another caller was faster, without the lock: dropping a flight takes the lock.
        let flight = Flight { cache: self.clone(), installation, key: key.clone(), number, generation };
        let computation = start(flight).shared();
        let mut entries = self.lock();
        if let Some(found) = entries.find(installation, key, generation, now) {
            drop(entries);
            return found;
        }
        if let Some(weak) = computation.downgrade() {
            let entry = Entry::InFlight { number, generation, computation: weak };
            entries.by_installation.entry(installation).or_default().insert(key.clone(), entry);
        }
        drop(entries);
        Lookup::InFlight(computation)
    }

    /// Stores a value that no computation returned.
    pub(crate) fn put(
        &self,
        installation: InstallationId,
        key: K,
        generation: u64,
        value: V,
        now: OffsetDateTime,
        fresh_until: OffsetDateTime,
    ) {
        let mut entries = self.lock();
        let entry = Entry::Ready { value, generation, fresh_until };
        entries.by_installation.entry(installation).or_default().insert(key, entry);
        entries.make_room(self.capacity, now);
    }

    /// Removes the value and returns it if it belongs to this generation and has not expired.
    pub(crate) fn take(
        &self,
        installation: InstallationId,
        key: &K,
        generation: u64,
        now: OffsetDateTime,
    ) -> Option<V> {
        match self.lock().remove(installation, key)? {
            Entry::Ready { value, generation: of, fresh_until } => {
                (of == generation && now < fresh_until).then_some(value)
            }
            Entry::InFlight { .. } => None,
        }
    }

    /// Removes all entries of the installation and returns the values among them. Computations in flight continue for
    /// their callers, but their values are not stored.
    pub(crate) fn evict(&self, installation: InstallationId) -> Vec<V> {
        let evicted = self.lock().by_installation.remove(&installation).unwrap_or_default();
        values(evicted).collect()
    }

    /// Removes all entries and returns the values among them.
    pub(crate) fn clear(&self) -> Vec<V> {
        let evicted = std::mem::take(&mut self.lock().by_installation);
        evicted.into_values().flat_map(values).collect()
    }
}

fn values<K, V: Clone, E: Clone>(entries: BTreeMap<K, Entry<V, E>>) -> impl Iterator<Item = V> {
    entries.into_values().filter_map(|entry| match entry {
        Entry::Ready { value, .. } => Some(value),
        Entry::InFlight { .. } => None,
    })
}

impl<K: Clone + Ord, V: Clone, E: Clone> Entries<K, V, E> {
    fn find(
        &self,
        installation: InstallationId,
        key: &K,
        generation: u64,
        now: OffsetDateTime,
    ) -> Option<Lookup<V, E>> {
        match self.by_installation.get(&installation)?.get(key)? {
            entry if entry.generation() > generation => Some(Lookup::Outdated),
            Entry::Ready { value, generation: of, fresh_until } => {
                (*of == generation && now < *fresh_until).then(|| Lookup::Fresh(value.clone()))
            }
            // Not upgraded for another generation: dropped here, the last handle would drop the flight, which takes the lock.
            Entry::InFlight { generation: of, .. } if *of != generation => None,
            // The upgrade fails if all callers are gone and the computation is about to be dropped.
            Entry::InFlight { computation, .. } => computation.upgrade().map(Lookup::InFlight),
        }
    }

    fn len(&self) -> usize {
        self.by_installation.values().map(BTreeMap::len).sum()
    }

    fn remove(&mut self, installation: InstallationId, key: &K) -> Option<Entry<V, E>> {
        let by_key = self.by_installation.get_mut(&installation)?;
        let removed = by_key.remove(key);
        if by_key.is_empty() {
            self.by_installation.remove(&installation);
        }
        removed
    }

    fn make_room(&mut self, capacity: usize, now: OffsetDateTime) {
        if self.len() <= capacity {
            return;
        }
        self.by_installation.retain(|_, by_key| {
            by_key.retain(|_, entry| match entry {
                Entry::Ready { fresh_until, .. } => now < *fresh_until,
                // Removes itself when it completes or is dropped.
                Entry::InFlight { .. } => true,
            });
            !by_key.is_empty()
        });
        while self.len() > capacity {
            let all = self.by_installation.iter().flat_map(|(installation, by_key)| {
                by_key.iter().filter_map(move |(key, entry)| match entry {
                    Entry::Ready { fresh_until, .. } => Some((*fresh_until, *installation, key)),
                    Entry::InFlight { .. } => None,
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

/// The right of one computation to store its value. Dropping it removes the computation's entry.
pub(crate) struct Flight<K: Clone + Ord, V: Clone, E: Clone> {
    cache: Cache<K, V, E>,
    installation: InstallationId,
    key: K,
    number: u64,
    generation: u64,
}

impl<K: Clone + Ord, V: Clone, E: Clone> Flight<K, V, E> {
    fn is_in(&self, entries: &Entries<K, V, E>) -> bool {
        let entry = entries.by_installation.get(&self.installation).and_then(|by_key| by_key.get(&self.key));
        matches!(entry, Some(Entry::InFlight { number, .. }) if *number == self.number)
    }

    /// Returns `false` if the computation was evicted, so that its value would not be stored.
    pub(crate) fn is_current(&self) -> bool {
        self.is_in(&self.cache.lock())
    }

    /// Stores the value until `fresh_until`. Returns `false` if the computation was evicted: the value is then not
    /// stored and must not be used.
    pub(crate) fn complete(self, value: V, now: OffsetDateTime, fresh_until: OffsetDateTime) -> bool {
        let mut entries = self.cache.lock();
        let current = self.is_in(&entries);
        if current {
            let entry = Entry::Ready { value, generation: self.generation, fresh_until };
            entries.by_installation.entry(self.installation).or_default().insert(self.key.clone(), entry);
            entries.make_room(self.cache.capacity, now);
        }
        drop(entries);
        current
    }
}

impl<K: Clone + Ord, V: Clone, E: Clone> Drop for Flight<K, V, E> {
    fn drop(&mut self) {
        let mut entries = self.cache.lock();
        if self.is_in(&entries) {
            entries.remove(self.installation, &self.key);
        }
    }
}

#[cfg(test)]
mod tests;
