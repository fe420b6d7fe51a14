//! Wrong admissions: charges before the checks, cached keys, answers of others.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{
    Admission, AdmissionAnswer, AdmissionRequest, BindingRepo, KeyAdmin, KeyStore, RateLimitDecision,
    RateLimitRequest, RateLimiter,
};
use dockline::{BudgetKey, KeyId, KeyRecord, PortError};
use dockline_memory::{MemoryAdmission, MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter};
use dockline_testkit::admission::{AdmissionDriver, access, budgets, identity, races};
use time::OffsetDateTime;

use crate::{killed, without_offset, yield_to_others};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// Charges the key before it compares the secret.
    ChargesBeforeTheSecret,
    /// Charges keys without the scope.
    ChargesWithoutTheScope,
    /// Keeps each key as it was when it was first presented.
    CachesKeys,
    /// Charges a key once for all calls that come together.
    ChargesOncePerBatch,
    /// Gives each call the answer of the call before.
    ShiftsAnswers,
    /// Reads the binding of the organization that asked first.
    CachesTheBinding,
    /// Reads the budget, decides, then charges.
    ReadsThenCharges,
    /// Charges requests that only ask.
    ChargesEachRequest,
    /// Compares what the clocks showed, without the offsets.
    DropsOffsets,
}

/// The memory adapter with one defect.
#[derive(Debug)]
struct Wrong {
    defect: Defect,
    keys: MemoryKeyStore,
    limiter: MemoryRateLimiter,
    bindings: MemoryBindingRepo,
    right: MemoryAdmission,
    cached: Mutex<HashMap<KeyId, KeyRecord>>,
    before: Mutex<Option<AdmissionAnswer>>,
    in_flight: Mutex<HashMap<KeyId, RateLimitDecision>>,
}

impl Wrong {
    fn with(defect: Defect) -> Self {
        let (keys, limiter, bindings) =
            (MemoryKeyStore::new(), MemoryRateLimiter::new(), MemoryBindingRepo::new());
        let right = MemoryAdmission::new(keys.clone(), limiter.clone(), bindings.clone());
        let (cached, before, in_flight) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { defect, keys, limiter, bindings, right, cached, before, in_flight }
    }

    async fn charge(&self, request: &AdmissionRequest, permits: u32) -> Result<(), PortError> {
        if let Some(record) = self.keys.find(&request.key).await? {
            let key = BudgetKey::from(&record.id);
            let (class, tier, now) = (request.class, record.tier, request.now);
            self.limiter.check(RateLimitRequest { key, class, tier, permits, now }).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Admission for Wrong {
    async fn admit(&self, mut request: AdmissionRequest) -> Result<AdmissionAnswer, PortError> {
        let asked = request.clone();
        match self.defect {
            Defect::ChargesBeforeTheSecret => {
                self.charge(&request, 1).await?;
                request.charge = false;
            }
            Defect::ChargesWithoutTheScope => request.needed = None,
            Defect::ChargesEachRequest => request.charge = true,
            Defect::DropsOffsets => request.now = without_offset(request.now),
            Defect::ReadsThenCharges => {
                let looked = self.right.admit(AdmissionRequest { charge: false, ..request.clone() }).await?;
                yield_to_others().await;
                let mut answer = self.right.admit(request).await?;
                if let Some(RateLimitDecision::Allowed(budget)) = looked.decision
                    && budget.remaining > 0
                {
                    answer.decision = looked.decision;
                }
                return Ok(answer);
            }
            Defect::ChargesOncePerBatch => {
                let together = self.in_flight.lock().unwrap().get(&request.key).copied();
                if let Some(decision) = together {
                    let look = AdmissionRequest { charge: false, ..request };
                    return Ok(AdmissionAnswer { decision: Some(decision), ..self.right.admit(look).await? });
                }
                let answer = self.right.admit(request).await?;
                if let Some(decision) = answer.decision {
                    self.in_flight.lock().unwrap().insert(asked.key.clone(), decision);
                    yield_to_others().await;
                    self.in_flight.lock().unwrap().remove(&asked.key);
                }
                return Ok(answer);
            }
            Defect::CachesKeys | Defect::ShiftsAnswers | Defect::CachesTheBinding => {}
        }
        let mut answer = self.right.admit(request).await?;
        match self.defect {
            Defect::CachesKeys => {
                let mut cached = self.cached.lock().unwrap();
                match answer.record.clone() {
                    Some(record) => {
                        answer.record = Some(cached.entry(asked.key).or_insert(record).clone());
                    }
                    None => answer.record = cached.get(&asked.key).cloned(),
                }
            }
            Defect::ShiftsAnswers => {
                let before = self.before.lock().unwrap().replace(answer.clone());
                answer = before.unwrap_or(answer);
            }
            Defect::CachesTheBinding => {
                let mut before = self.before.lock().unwrap();
                let first = before.get_or_insert_with(|| answer.clone());
                answer.binding = first.binding.clone();
            }
            _ => {}
        }
        Ok(answer)
    }
}

#[async_trait]
impl AdmissionDriver for Wrong {
    fn admission(&self) -> &dyn Admission {
        self
    }

    fn other_node(&self) -> &dyn Admission {
        self
    }

    fn limiter(&self) -> &dyn RateLimiter {
        &self.limiter
    }

    fn bindings(&self) -> &dyn BindingRepo {
        &self.bindings
    }

    async fn insert(&self, record: KeyRecord) {
        self.keys.put(record);
    }

    async fn replace(&self, record: KeyRecord) {
        self.keys.put(record);
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) {
        assert!(self.keys.revoke(id, at).await.unwrap());
    }
}

killed! {
    AdmissionDriver;
    offsets_dropped: Wrong::with(Defect::DropsOffsets) => access::offsets_of_times_change_nothing;
    charge_before_the_secret: Wrong::with(Defect::ChargesBeforeTheSecret) =>
        access::wrong_secret_leaves_the_budget_untouched,
        access::every_row_of_the_access_table_is_decided_as_by_the_small_ports;
    charge_without_the_scope: Wrong::with(Defect::ChargesWithoutTheScope) =>
        access::every_row_of_the_access_table_is_decided_as_by_the_small_ports;
    charge_of_each_request: Wrong::with(Defect::ChargesEachRequest) =>
        access::every_row_of_the_access_table_is_decided_as_by_the_small_ports,
        budgets::uncharged_request_reports_the_level;
    cached_keys: Wrong::with(Defect::CachesKeys) =>
        access::revoked_key_is_not_charged_from_the_next_request;
    one_charge_for_calls_that_come_together: Wrong::with(Defect::ChargesOncePerBatch) =>
        races::budget_is_exact_under_concurrency,
        races::as_many_are_allowed_as_fit;
    read_then_charge_in_one_call: Wrong::with(Defect::ReadsThenCharges) =>
        races::budget_is_exact_under_concurrency,
        races::as_many_are_allowed_as_fit;
    answers_shifted_by_one_i_39: Wrong::with(Defect::ShiftsAnswers) =>
        identity::concurrent_answers_are_about_their_own_requests,
        identity::answer_says_that_nothing_is_bound;
    binding_of_another_organization: Wrong::with(Defect::CachesTheBinding) =>
        identity::concurrent_answers_are_about_their_own_requests,
        identity::answer_says_that_nothing_is_bound;
}
