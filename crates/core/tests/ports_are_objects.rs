//! What must hold at compile time: ports are objects, futures can be sent, mocks follow their traits.
#![cfg(feature = "mocks")]

use std::sync::Arc;

use dockline::ports::{
    BindingRepo, Clock, Entropy, Events, GithubGateway, Housekeeping, KeyStore, KeyUsage, KeyUsageWriter,
    MockBindingRepo, MockClock, MockEntropy, MockEvents, MockGithubGateway, MockHousekeeping, MockKeyStore,
    MockKeyUsage, MockKeyUsageWriter, MockRateLimiter, MockReadiness, MockRefreshQueue, MockStateStore,
    RateLimiter, Readiness, RefreshQueue, StateStore,
};
use dockline::{Caller, Dockline, RegistrationRequest};

#[test]
fn every_port_is_an_object_and_has_a_mock() {
    let _keys: Arc<dyn KeyStore> = Arc::new(MockKeyStore::new());
    let _states: Arc<dyn StateStore> = Arc::new(MockStateStore::new());
    let _bindings: Arc<dyn BindingRepo> = Arc::new(MockBindingRepo::new());
    let _github: Arc<dyn GithubGateway> = Arc::new(MockGithubGateway::new());
    let _limiter: Arc<dyn RateLimiter> = Arc::new(MockRateLimiter::new());
    let _clock: Arc<dyn Clock> = Arc::new(MockClock::new());
    let _entropy: Arc<dyn Entropy> = Arc::new(MockEntropy::new());
    let _usage: Arc<dyn KeyUsage> = Arc::new(MockKeyUsage::new());
    let _writer: Arc<dyn KeyUsageWriter> = Arc::new(MockKeyUsageWriter::new());
    let _housekeeping: Arc<dyn Housekeeping> = Arc::new(MockHousekeeping::new());
    let _queue: Arc<dyn RefreshQueue> = Arc::new(MockRefreshQueue::new());
    let _readiness: Arc<dyn Readiness> = Arc::new(MockReadiness::new());
    let _events: Arc<dyn Events> = Arc::new(MockEvents::new());
}

fn sendable<T: Send>(_: T) {}

/// Never called: it is enough that it compiles.
#[expect(dead_code, reason = "checked by the compiler")]
fn futures_can_be_sent(dockline: &Dockline, caller: &Caller, request: &RegistrationRequest) {
    sendable(dockline.register(caller, request));
    sendable(dockline.binding(caller));
    sendable(dockline.handle_callback(dockline::Callback::default()));
}
