//! Every adapter can be held as its port and shared between threads: checked at compile time.

use dockline::ports::{BindingRepo, Events, KeyStore, RateLimiter, StateStore};
use dockline_memory::{MemoryBindingRepo, MemoryEvents, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};

const fn is_shared_between_threads<T: Send + Sync + Clone + Default + 'static>() {}

const _: () = {
    is_shared_between_threads::<MemoryKeyStore>();
    is_shared_between_threads::<MemoryStateStore>();
    is_shared_between_threads::<MemoryBindingRepo>();
    is_shared_between_threads::<MemoryRateLimiter>();
    is_shared_between_threads::<MemoryEvents>();
};

#[test]
fn every_adapter_is_an_object_of_its_port_and_its_debug_shows_no_contents() {
    let keys: &dyn KeyStore = &MemoryKeyStore::new();
    let states: &dyn StateStore = &MemoryStateStore::new();
    let bindings: &dyn BindingRepo = &MemoryBindingRepo::new();
    let limiter: &dyn RateLimiter = &MemoryRateLimiter::new();
    let events: &dyn Events = &MemoryEvents::new(1);
    assert_eq!(
        format!("{keys:?} {states:?} {bindings:?} {limiter:?} {events:?}"),
        "MemoryKeyStore { .. } MemoryStateStore { .. } MemoryBindingRepo { .. } MemoryRateLimiter { .. } \
         MemoryEvents { .. }"
    );
}

#[test]
fn the_futures_of_a_port_can_move_to_another_thread() {
    fn is_send(_: impl Send) {}
    let bindings: &dyn BindingRepo = &MemoryBindingRepo::new();
    is_send(bindings.find_by_installation(dockline::InstallationId::new(1).unwrap()));
}
