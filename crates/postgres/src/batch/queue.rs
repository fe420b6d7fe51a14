use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Callers that wait for the next batch, in the order of their arrival per key. Keys take turns, so that one key with many
/// callers does not delay the others.
#[derive(Debug)]
pub(super) struct Queue<K, W> {
    lines: HashMap<K, Line<W>>,
    turns: VecDeque<K>,
    waiting: usize,
}

/// The waiting callers of one key.
#[derive(Debug)]
struct Line<W> {
    waiting: VecDeque<W>,
    /// Whether the key is asked for by itself; then it has no turn.
    apart: bool,
}

impl<K, W> Default for Queue<K, W> {
    fn default() -> Self {
        Self { lines: HashMap::new(), turns: VecDeque::new(), waiting: 0 }
    }
}

impl<K: Clone + Eq + Hash, W> Queue<K, W> {
    /// Adds a caller. If `most` callers wait already, one of them has to leave and is returned: the latest of the key with the
    /// most callers, or this one, unless another key has more. So a key with few callers gets its turn beside one with many.
    pub(super) fn push(&mut self, key: K, caller: W, most: usize) -> Option<W> {
        let mut leaving = None;
        if self.waiting >= most {
            let own = self.lines.get(&key).map_or(0, |line| line.waiting.len());
            let longest = self.lines.values_mut().max_by_key(|line| line.waiting.len());
            leaving =
                longest.filter(|line| line.waiting.len() > own + 1).and_then(|line| line.waiting.pop_back());
            if leaving.is_none() {
                return Some(caller);
            }
        } else {
            self.waiting += 1;
        }
        match self.lines.entry(key) {
            Entry::Occupied(mut line) => line.get_mut().waiting.push_back(caller),
            Entry::Vacant(line) => {
                self.turns.push_back(line.key().clone());
                line.insert(Line { waiting: VecDeque::from([caller]), apart: false });
            }
        }
        leaving
    }

    /// Removes up to `most` callers, at most `most_per_key` of each key. Drops those for which `is_over` returns true.
    pub(super) fn take(
        &mut self,
        most: usize,
        most_per_key: usize,
        is_over: impl Fn(&W) -> bool,
    ) -> Vec<(K, W)> {
        let mut taken = Vec::new();
        for _ in 0..self.turns.len() {
            if taken.len() >= most {
                break;
            }
            let Some(key) = self.turns.pop_front() else { break };
            let Some(line) = self.lines.get_mut(&key) else { continue };
            let room = most_per_key.min(most - taken.len());
            let before = taken.len();
            while taken.len() < before + room
                && let Some(caller) = line.waiting.pop_front()
            {
                self.waiting -= 1;
                if !is_over(&caller) {
                    taken.push((key.clone(), caller));
                }
            }
            if line.waiting.is_empty() {
                self.lines.remove(&key);
            } else {
                self.turns.push_back(key);
            }
        }
        taken
    }

    /// Puts callers of a key back to the front, and takes its turns away. Returns `false` if they were taken away before.
    pub(super) fn set_apart(&mut self, key: K, callers: Vec<W>) -> bool {
        self.turns.retain(|turn| *turn != key);
        self.waiting += callers.len();
        let line = self.lines.entry(key).or_insert_with(|| Line { waiting: VecDeque::new(), apart: false });
        for caller in callers.into_iter().rev() {
            line.waiting.push_front(caller);
        }
        !std::mem::replace(&mut line.apart, true)
    }

    /// Removes up to `most` callers of a key that was set apart. If there is none, later callers get turns again.
    pub(super) fn take_apart(&mut self, key: &K, most: usize, is_over: impl Fn(&W) -> bool) -> Vec<W> {
        let Some(line) = self.lines.get_mut(key) else { return Vec::new() };
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(caller) = line.waiting.pop_front()
        {
            self.waiting -= 1;
            if !is_over(&caller) {
                taken.push(caller);
            }
        }
        if taken.is_empty() {
            self.lines.remove(key);
        }
        taken
    }

    /// Drops all callers of a key.
    pub(super) fn remove(&mut self, key: &K) {
        if let Some(line) = self.lines.remove(key) {
            self.waiting -= line.waiting.len();
        }
        self.turns.retain(|turn| turn != key);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue_of(callers: impl IntoIterator<Item = (char, u32)>) -> Queue<char, u32> {
        let mut queue = Queue::default();
        for (key, caller) in callers {
            assert_eq!(queue.push(key, caller, usize::MAX), None);
        }
        queue
    }

    #[test]
    fn a_batch_has_at_most_its_size_and_of_each_key_its_share_first_come_first() {
        let mut queue = queue_of((0..20).map(|caller| ('a', caller)).chain([('b', 100), ('c', 101)]));
        let batch = queue.take(10, 8, |_| false);
        let of_a: Vec<_> = (0..8).map(|caller| ('a', caller)).collect();
        assert_eq!(batch, [of_a, vec![('b', 100), ('c', 101)]].concat());
        assert_eq!(queue.take(10, 8, |_| false).len(), 8);
        assert_eq!(queue.take(10, 8, |_| false), (16..20).map(|caller| ('a', caller)).collect::<Vec<_>>());
        assert!(queue.is_empty() && queue.lines.is_empty());
    }

    #[test]
    fn a_key_that_was_served_waits_for_the_others() {
        let mut queue = queue_of([('a', 1), ('a', 2), ('b', 3), ('c', 4)]);
        assert_eq!(queue.take(1, 8, |_| false), [('a', 1)]);
        assert_eq!(queue.take(2, 8, |_| false), [('b', 3), ('c', 4)]);
        assert_eq!(queue.take(2, 8, |_| false), [('a', 2)]);
    }

    #[test]
    fn callers_whose_time_is_over_take_no_place() {
        let mut queue = queue_of((0..100).map(|caller| ('a', caller)).chain([('b', 100)]));
        assert_eq!(queue.take(2, 8, |caller| *caller < 99), [('a', 99), ('b', 100)]);
        assert!(queue.is_empty() && queue.lines.is_empty());
    }

    #[test]
    fn a_key_that_is_set_apart_has_no_turn_until_nobody_waits() {
        let mut queue = queue_of([('a', 3), ('b', 4)]);
        assert!(queue.set_apart('a', vec![1, 2]));
        queue.push('a', 5, 9);
        assert!(!queue.set_apart('a', vec![]));
        assert_eq!(queue.take(64, 8, |_| false), [('b', 4)]);
        assert!(queue.is_empty());
        assert_eq!(queue.take_apart(&'a', 3, |_| false), [1, 2, 3]);
        assert_eq!(queue.take_apart(&'a', 3, |_| false), [5]);
        assert!(queue.take_apart(&'a', 3, |_| false).is_empty());
        queue.push('a', 6, 9);
        assert_eq!(queue.take(64, 8, |_| false), [('a', 6)]);
        assert_eq!(queue.waiting, 0);
    }

    #[test]
    fn if_too_many_wait_the_latest_of_the_key_with_the_most_callers_leaves() {
        let mut queue = queue_of([('a', 1), ('a', 2), ('a', 3), ('b', 4)]);
        assert_eq!(queue.push('a', 5, 4), Some(5), "its key has the most");
        assert_eq!(queue.push('c', 6, 4), Some(3));
        assert_eq!(queue.push('d', 7, 4), Some(2));
        assert_eq!(queue.push('e', 8, 4), Some(8), "no key has more than one");
        assert_eq!(queue.push('b', 9, 4), Some(9), "no key has more than its own");
        assert_eq!(queue.take(64, 8, |_| false), [('a', 1), ('b', 4), ('c', 6), ('d', 7)]);
        assert_eq!(queue.waiting, 0);
    }

    /// Callers that were taken and have to wait again are not refused, but count.
    #[test]
    fn callers_of_a_key_that_is_set_apart_count_and_can_leave() {
        let mut queue = queue_of([('b', 4)]);
        queue.set_apart('a', vec![1, 2, 3]);
        assert_eq!(queue.push('c', 5, 4), Some(3));
        assert_eq!(queue.take_apart(&'a', 1, |_| false), [1]);
        assert_eq!(queue.push('c', 6, 4), None);
        queue.remove(&'a');
        assert_eq!(queue.take(64, 8, |_| false), [('b', 4), ('c', 5), ('c', 6)]);
        assert_eq!(queue.waiting, 0);
    }
}
