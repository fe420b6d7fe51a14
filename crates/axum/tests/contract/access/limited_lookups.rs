//! Look-ups of keys for limited client addresses: few at a time, and not for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord, PortError};
use dockline_axum::RouterOptions;
use dockline_memory::MemoryKeyStore;

use super::auth_failures::{ATTACKER, exhaust, fail, limit};
use crate::fixture::INSTALLATION;
use crate::in_process::{InProcess, bearer};

/// Counts look-ups, in all and concurrent.
#[derive(Debug)]
struct CountingKeys {
    keys: Arc<dyn KeyStore>,
    gauge: Arc<Gauge>,
}

#[derive(Debug, Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

impl Gauge {
    fn take(&self) -> (usize, usize) {
        (self.most.swap(0, Ordering::SeqCst), self.all.swap(0, Ordering::SeqCst))
    }
}

#[async_trait]
impl KeyStore for CountingKeys {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        self.gauge.all.fetch_add(1, Ordering::SeqCst);
        let now = self.gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.gauge.most.fetch_max(now, Ordering::SeqCst);
        // The latency of a database, so that look-ups overlap.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.gauge.now.fetch_sub(1, Ordering::SeqCst);
        self.keys.find(id).await
    }
}

#[tokio::test(start_paused = true)]
async fn look_ups_of_limited_addresses_are_two_at_a_time() {
    let gauge = Arc::new(Gauge::default());
    let counter = Arc::clone(&gauge);
    let in_process =
        InProcess::over_keys(RouterOptions::default().with_auth_failure_limit(limit(3)), move |keys| {
            Arc::new(CountingKeys { keys, gauge: counter })
        });
    let attackers = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"];
    for attacker in attackers {
        exhaust(&in_process, attacker).await;
    }
    gauge.take();
    // A malformed key costs no look-up.
    for _ in 0..50 {
        assert_eq!(in_process.get(ATTACKER, INSTALLATION, "Bearer lp_live_x_y").await.status, 429);
    }
    assert_eq!(gauge.take(), (0, 0));
    // A hundred concurrent requests from three addresses and one with a valid key: two look-ups at a time.
    let failures = (0..100).map(|number| fail(&in_process, attackers[number % 3]));
    let key = bearer(&in_process.acme);
    let (failures, valid) =
        tokio::join!(futures_util::future::join_all(failures), in_process.get(ATTACKER, INSTALLATION, &key));
    assert!(failures.iter().all(|response| response.status == 429));
    assert_eq!(valid.status, 404);
    assert_eq!(gauge.take(), (2, 101));
    // Other addresses do not wait for those permits.
    let others = (0..20).map(|number| {
        let (in_process, key) = (&in_process, &key);
        async move { in_process.get(&format!("198.51.100.{number}:1"), INSTALLATION, key).await.status }
    });
    assert_eq!(futures_util::future::join_all(others).await, vec![404; 20]);
    assert_eq!(gauge.take(), (20, 20));
}

/// If the store is slow, requests without a permit get 429: their key may be valid, but strangers must not cause a 5xx.
#[tokio::test(start_paused = true)]
async fn a_request_that_waits_too_long_for_a_look_up_gets_429() {
    #[derive(Debug)]
    struct Slow(MemoryKeyStore);

    #[async_trait]
    impl KeyStore for Slow {
        async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
            tokio::time::sleep(Duration::from_secs(4)).await;
            self.0.find(id).await
        }
    }

    let in_process = InProcess::over_keys(RouterOptions::default().with_auth_failure_limit(limit(2)), |_| {
        Arc::new(Slow(MemoryKeyStore::new()))
    });
    for _ in 0..3 {
        in_process.get(ATTACKER, INSTALLATION, "").await;
    }
    let began = tokio::time::Instant::now();
    let requests = (0..5).map(|_| async {
        let response = fail(&in_process, ATTACKER).await;
        (began.elapsed().as_secs(), response.status, response.wait())
    });
    let mut responses = futures_util::future::join_all(requests).await;
    responses.sort_unstable();
    // Three wait for a second; two are looked up, and their failures are charged.
    assert_eq!(responses[..3], [(1, 429, 1); 3]);
    assert!(
        responses[3..].iter().all(|(seconds, status, _)| (*seconds, *status) == (4, 429)),
        "{responses:?}"
    );
}
