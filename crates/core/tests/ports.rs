//! Ports are objects, have mocks, and can be wrapped by decorators in an `Arc` or a `Box`.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, Clock, Entropy, Event, Events, GithubGateway, Housekeeping, KeyStore, KeyUsage,
    KeyUsageWriter, MockBindingRepo, MockClock, MockEntropy, MockEvents, MockGithubGateway, MockHousekeeping,
    MockKeyStore, MockKeyUsage, MockKeyUsageWriter, MockRateLimiter, MockReadiness, MockRefreshQueue,
    MockStateStore, NoEvents, NoKeyUsage, RateLimiter, Readiness, RefreshQueue, StateStore, SystemClock,
};
use dockline::{Caller, Dockline, KeyId, KeyRecord, PortError, Ports, RegistrationRequest};

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

/// Counts the calls of a key store. A host writes decorators like this one.
#[derive(Debug)]
struct Counting<P> {
    inner: P,
    calls: AtomicU32,
}

impl<P> Counting<P> {
    const fn over(inner: P) -> Self {
        Self { inner, calls: AtomicU32::new(0) }
    }
}

#[async_trait]
impl<P: KeyStore> KeyStore for Counting<P> {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.inner.find(id).await
    }
}

#[test]
fn decorators_nest_over_arcs_and_boxes_of_any_port() {
    let id: KeyId = "0123456789ABCDEF".parse().unwrap();
    let mut mock = MockKeyStore::new();
    mock.expect_find().times(2).returning(|_| Ok(None));
    let shared: Arc<dyn KeyStore> = Arc::new(mock);
    let inner = Arc::new(Counting::over(Arc::clone(&shared)));
    let outer = Counting::over(Counting::over(Box::new(Arc::clone(&inner))));
    assert_eq!(pollster::block_on(outer.find(&id)).unwrap(), None);
    let boxed: Box<dyn KeyStore> = Box::new(outer);
    assert_eq!(pollster::block_on(boxed.find(&id)).unwrap(), None);
    assert_eq!(inner.calls.load(Ordering::Relaxed), 2);
}

#[test]
fn a_port_behind_pointers_is_the_same_port() {
    let mut events = MockEvents::new();
    events.expect_record().times(1).return_const(());
    let events: Box<Arc<dyn Events>> = Box::new(Arc::new(events));
    events.record(&Event::PermissionsChanged { installation: 7_u64.try_into().unwrap() });
    let mut entropy = MockEntropy::new();
    entropy.expect_fill().times(1).returning(|bytes| {
        bytes.fill(7);
        Ok(())
    });
    let entropy: Arc<Box<dyn Entropy>> = Arc::new(Box::new(entropy));
    let mut bytes = [0; 2];
    entropy.fill(&mut bytes).unwrap();
    assert_eq!(bytes, [7, 7]);
    let before = SystemClock.now();
    let clock: Box<Arc<dyn Clock>> = Box::new(Arc::new(SystemClock));
    assert!(clock.now() >= before);
    let usage: Arc<dyn KeyUsage> = Arc::new(Box::new(NoKeyUsage));
    usage.used(&"0123456789ABCDEF".parse().unwrap(), before);
    let none: Box<dyn Events> = Box::new(NoEvents);
    none.record(&Event::PermissionsChanged { installation: 7_u64.try_into().unwrap() });
}

/// The ports of a host may be wrapped as they are.
#[test]
fn wrapped_ports_are_ports_of_a_dockline() {
    fn wrapped<P: Debug + ?Sized>(port: &Arc<P>) -> Arc<Arc<P>> {
        Arc::new(Arc::clone(port))
    }
    let states: Arc<dyn StateStore> = Arc::new(MockStateStore::new());
    let bindings: Arc<dyn BindingRepo> = Arc::new(MockBindingRepo::new());
    let mut github = MockGithubGateway::new();
    github.expect_registration().times(1).returning(|| dockline::ports::AppRegistration {
        app: 7_u64.try_into().unwrap(),
        install_page: String::new(),
        authorize_page: Some(String::new()),
    });
    let github: Arc<dyn GithubGateway> = Arc::new(github);
    let ports = Ports { states: wrapped(&states), bindings: wrapped(&bindings), github: wrapped(&github) };
    Dockline::builder(ports).build().unwrap();
}

fn sendable<T: Send>(_: T) {}

/// Never called: it is enough that it compiles.
#[expect(dead_code, reason = "checked by the compiler")]
fn futures_can_be_sent(dockline: &Dockline, caller: &Caller, request: &RegistrationRequest) {
    sendable(dockline.register(caller, request));
    sendable(dockline.binding(caller));
    sendable(dockline.handle_callback(dockline::Callback::default()));
}
