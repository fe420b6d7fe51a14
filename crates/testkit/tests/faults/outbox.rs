//! The faults of the outbox's ports.

use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, DeliverySink, DeliveryStore, EntryFilter, MockDeliverySink, Outbox, RedeliveryStore,
    ScanPosition,
};
use dockline::{
    AppId, Backlog, DeliveryGuid, Lease, MessageId, OutboxUsage, PortErrorKind, PortName, TenantDelivery,
    Verdict, VerifiedDelivery,
};
use dockline_memory::{MemoryBindingRepo, MemoryOutbox, MemoryRedeliveryStore};
use dockline_testkit::faults::{Fault, Faulty};
use dockline_testkit::fixtures::NOON;
use dockline_testkit::outbox::{BOUNDS, Node, OutboxDriver};
use dockline_testkit::runner::block_on;
use dockline_testkit::{outbox_suite, redelivery_store_suite};
use time::OffsetDateTime;

use crate::error;

// Without rules, a wrapped port passes its suite.
redelivery_store_suite!(async {
    let port: Arc<dyn RedeliveryStore> = Arc::new(MemoryRedeliveryStore::new());
    [Faulty::over(Arc::clone(&port)), Faulty::over(port)]
});
outbox_suite!(async { Outboxes::default() });

/// Two outboxes behind wrappers without rules.
#[derive(Debug, Default)]
struct Outboxes([MemoryBindingRepo; 2]);

#[async_trait]
impl OutboxDriver for Outboxes {
    async fn node(&self, app: u64) -> Node {
        let [first, second] = &self.0;
        let bindings = if app == 1 { first } else { second };
        let outbox = MemoryOutbox::open(bindings, BOUNDS);
        Node {
            app,
            bindings: Arc::new(Faulty::<dyn BindingRepo>::over(Arc::new(bindings.clone()))),
            deliveries: Arc::new(Faulty::<dyn DeliveryStore>::over(Arc::new(outbox.clone()))),
            outbox: Arc::new(Faulty::<dyn Outbox>::over(Arc::new(outbox))),
        }
    }

    async fn close(&self, _: u64) -> bool {
        false
    }

    async fn usage(&self, _: u64, _: OffsetDateTime) -> Option<OutboxUsage> {
        None
    }
}

/// The ports of the outbox fail under their own names, without effect.
#[test]
fn every_method_of_the_outbox_ports_can_fail() {
    let bindings = MemoryBindingRepo::new();
    let memory = MemoryOutbox::open(&bindings, BOUNDS);
    let failing = Fault::FailsBefore.always();
    let outbox = Faulty::<dyn Outbox>::over(Arc::new(memory.clone())).with(failing.clone());
    let store = Faulty::<dyn DeliveryStore>::over(Arc::new(memory.clone())).with(failing.clone());
    let mut sink = MockDeliverySink::new();
    sink.expect_deliver().times(0);
    let sink = Faulty::<dyn DeliverySink>::over(Arc::new(sink)).with(failing.clone());
    let scans = Faulty::<dyn RedeliveryStore>::over(Arc::new(MemoryRedeliveryStore::new())).with(failing);
    let (app, guid) = (AppId::new(1).unwrap(), DeliveryGuid::new("a").unwrap());
    let delivery = || VerifiedDelivery {
        app,
        installation: None,
        event: "push",
        action: None,
        guid: guid.clone(),
        received_at: NOON,
        body: b"{}",
    };
    let for_tenant = TenantDelivery {
        app,
        organization: None,
        installation: None,
        event: "push",
        action: None,
        guid: guid.clone(),
        received_at: NOON,
        body: b"{}",
    };
    let lease = Lease { organization: None, token: 1, until: NOON };
    let id = MessageId::of_delivery(app, &guid);
    let down = |port| (port, PortErrorKind::Unavailable);
    block_on(async {
        assert_eq!(error(store.store(delivery()).await), down(PortName::DeliveryStore));
        assert_eq!(error(sink.deliver(for_tenant).await), down(PortName::DeliverySink));
        let failed = down(PortName::Outbox);
        assert_eq!(error(outbox.lease(NOON, NOON).await), failed);
        assert_eq!(error(outbox.renew(&lease, NOON).await), failed);
        assert_eq!(error(outbox.read(&lease, NOON, 1, 1).await), failed);
        assert_eq!(error(outbox.settle(&lease, 1, Verdict::Done { at: NOON }).await), failed);
        assert_eq!(error(outbox.release(&lease, NOON).await), failed);
        assert_eq!(error(outbox.list(&EntryFilter::default(), None, 1).await), failed);
        assert_eq!(error(outbox.find(&id).await), failed);
        assert_eq!(error(outbox.retry(&id, NOON).await), failed);
        assert_eq!(error(outbox.backlog().await), failed);
        let failed = down(PortName::RedeliveryStore);
        assert_eq!(error(scans.lease(1, NOON, NOON).await), failed);
        assert_eq!(error(scans.release(1, &ScanPosition::default()).await), failed);
        assert_eq!(error(scans.received(&[]).await), failed);
        assert_eq!(error(scans.requests(&[]).await), failed);
        assert_eq!(error(scans.record_request("a", NOON, NOON).await), failed);
        assert_eq!(memory.backlog().await.unwrap(), Backlog::default());
    });
    assert_eq!((outbox.calls().len(), scans.calls().len()), (9, 5));
}
