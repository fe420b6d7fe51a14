//! Every adapter works as a trait object and can be shared between threads.

use dockline::ports::{Admission, BindingRepo, Events, KeyStore, KeyUsage, RateLimiter, StateStore};
use dockline_memory::{
    MemoryAdmission, MemoryBindingRepo, MemoryEvents, MemoryKeyStore, MemoryKeyUsage, MemoryRateLimiter,
    MemoryStateStore,
};

const fn is_shared_between_threads<T: Send + Sync + Clone + Default + 'static>() {}

const _: () = {
    is_shared_between_threads::<MemoryAdmission>();
    is_shared_between_threads::<MemoryKeyStore>();
    is_shared_between_threads::<MemoryKeyUsage>();
    is_shared_between_threads::<MemoryStateStore>();
    is_shared_between_threads::<MemoryBindingRepo>();
    is_shared_between_threads::<MemoryRateLimiter>();
    is_shared_between_threads::<MemoryEvents>();
};

#[test]
fn every_adapter_is_a_trait_object_whose_debug_output_shows_no_data() {
    let keys: &dyn KeyStore = &MemoryKeyStore::new();
    let usage: &dyn KeyUsage = &MemoryKeyUsage::new();
    let states: &dyn StateStore = &MemoryStateStore::new();
    let bindings: &dyn BindingRepo = &MemoryBindingRepo::new();
    let limiter: &dyn RateLimiter = &MemoryRateLimiter::new();
    let events: &dyn Events = &MemoryEvents::new(1);
    let admission: &dyn Admission = &MemoryAdmission::default();
    assert_eq!(format!("{admission:?}"), "MemoryAdmission { .. }");
    assert_eq!(
        format!("{keys:?} {usage:?} {states:?} {bindings:?} {limiter:?} {events:?}"),
        "MemoryKeyStore { .. } MemoryKeyUsage { .. } MemoryStateStore { .. } MemoryBindingRepo { .. } \
         MemoryRateLimiter { .. } MemoryEvents { .. }"
    );
}

#[test]
fn futures_of_a_port_are_send() {
    fn is_send(_: impl Send) {}
    let bindings: &dyn BindingRepo = &MemoryBindingRepo::new();
    is_send(bindings.installation(dockline::InstallationId::new(1).unwrap()));
}
