//! One call of each method that matters, as a value.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use dockline::ports::{Observation, RateLimitRequest};
use dockline::{BudgetClass, BudgetKey, PortError, PortName, Tier};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Stores;
use crate::fixtures::{
    NOON, account, actor, binding_of, digest, installation, key_of, organization, seconds, state_of,
};

/// The answer of a call, without its value.
type Answer = Pin<Box<dyn Future<Output = Result<(), PortError>> + Send>>;

/// A call that a case makes.
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) port: PortName,
    pub(super) writes: bool,
    answer: Answer,
}

/// How a call ended.
pub(super) struct Ended {
    pub(super) error: Option<PortError>,
    pub(super) took: Duration,
}

impl Call {
    /// Waits for the answer.
    ///
    /// # Panics
    /// Panics after ten deadlines, and at least a minute.
    pub(super) async fn end(self, deadline: Duration) -> Ended {
        let started = Instant::now();
        let answer = timeout((deadline * 10).max(Duration::from_secs(60)), self.answer).await;
        assert!(
            answer.is_ok(),
            "{} got no answer although its deadline is {deadline:?}: give every call a deadline on the adapter's side, which \
             includes the wait for a connection",
            self.name
        );
        Ended { error: answer.unwrap().err(), took: started.elapsed() }
    }
}

/// Ends all calls at once, and returns the errors with the names of their calls.
pub(super) async fn end_all(calls: Vec<Call>, deadline: Duration) -> Vec<(&'static str, PortError)> {
    let mut tasks = JoinSet::new();
    for call in calls {
        tasks.spawn(async move { (call.name, call.end(deadline).await.error) });
    }
    tasks.join_all().await.into_iter().filter_map(|(name, error)| Some((name, error?))).collect()
}

macro_rules! call {
    ($calls:ident, $port:ident $name:literal $writes:literal, $store:expr, |$handle:ident| $call:expr) => {
        if let Some($handle) = $store.clone() {
            let answer: Answer = Box::pin(async move { $call.await.map(drop) });
            $calls.push(Call { name: $name, port: PortName::$port, writes: $writes, answer });
        }
    };
}

/// Returns a call of every kind, about rows of this number.
pub(super) fn calls(stores: &Stores, number: u64) -> Vec<Call> {
    let name = format!("org-{number}");
    let (acme, id) = (organization(&name), installation(number));
    let state = state_of(&name, digest(&name), NOON);
    let (new, text) = (binding_of(&name, number, digest(&name)), digest(&name));
    let mut calls = Vec::new();
    call!(calls, StateStore "StateStore::put" true, stores.states, |states| states.put(state));
    call!(calls, StateStore "StateStore::find_by_digest" false, stores.states, |states| states.find_by_digest(&text));
    call!(calls, BindingRepo "BindingRepo::insert" true, stores.bindings, |bindings| bindings.insert(new));
    let shown = Observation::Present {
        status: dockline::Status::Active,
        account: account(&name),
        asked_at: seconds(60),
        next_look_at: seconds(3_600),
    };
    call!(calls, BindingRepo "BindingRepo::observe" true, stores.bindings, |bindings| bindings.observe(id, shown));
    let owner = acme.clone();
    call!(calls, BindingRepo "BindingRepo::find" false, stores.bindings, |bindings| bindings.find(&owner));
    let owner = acme.clone();
    call!(calls, BindingRepo "BindingRepo::release" true, stores.bindings,
        |bindings| bindings.release(&owner, id, &actor(), seconds(120)));
    let key = key_of(&name, number).1.id;
    call!(calls, KeyStore "KeyStore::find" false, stores.keys, |keys| keys.find(&key));
    let request = RateLimitRequest {
        key: BudgetKey::from(&acme),
        class: BudgetClass::Write,
        tier: Tier::standard(),
        permits: 1,
        now: NOON,
    };
    call!(calls, RateLimiter "RateLimiter::check" true, stores.limiter, |limiter| limiter.check(request));
    call!(calls, Outbox "Outbox::lease" true, stores.outbox, |outbox| outbox.lease(NOON, seconds(1)));
    call!(calls, Outbox "Outbox::backlog" false, stores.outbox, |outbox| outbox.backlog());
    call!(calls, RedeliveryStore "RedeliveryStore::record_request" true, stores.redeliveries,
        |store| store.record_request("guid", NOON, NOON));
    calls
}
