//! Groups the calls of a statement, and assigns its rows to the calls.

use std::collections::HashMap;

use dockline::ports::{AdmissionAnswer, AdmissionRequest, RateLimitDecision, ReadBinding};
use dockline::rules::access;
use dockline::rules::bucket::{Bucket, PERMIT};
use dockline::{ApiKeySecretHash, Binding, BudgetClass, KeyId, KeyRecord};
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::about;
use crate::batch::Outcome;
use crate::binding_repo::binding;
use crate::budget::{CHARGED, KEPT};
use crate::decode::get;
use crate::error::DatabaseError;
use crate::key_store::record;

/// Calls that differ only in their times: one row of the statement.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) request: &'a AdmissionRequest,
    /// The permits of all calls.
    pub(super) permits: i64,
    /// The latest time of the calls.
    pub(super) now: OffsetDateTime,
}

impl<'a> Group<'a> {
    /// Returns the groups, and the number of each call's group.
    pub(super) fn of(asks: &'a [AdmissionRequest]) -> (Vec<Self>, Vec<usize>) {
        let mut groups: Vec<Self> = Vec::new();
        let mut numbers = Vec::with_capacity(asks.len());
        for ask in asks {
            let permits = i64::from(ask.charge);
            match groups.iter_mut().enumerate().find(|(_, group)| group.has(ask)) {
                Some((number, group)) => {
                    group.permits += permits;
                    group.now = group.now.max(ask.now);
                    numbers.push(number);
                }
                None => {
                    numbers.push(groups.len());
                    groups.push(Self { request: ask, permits, now: ask.now });
                }
            }
        }
        (groups, numbers)
    }

    fn has(&self, ask: &AdmissionRequest) -> bool {
        let of = self.request;
        of.key == ask.key
            && of.secret_hash == ask.secret_hash
            && of.environment == ask.environment
            && of.class == ask.class
            && of.charge == ask.charge
            && of.needed == ask.needed
    }
}

/// A row about a valid key.
struct Valid {
    record: KeyRecord,
    binding: Option<Binding>,
    /// The level before the statement; full if there is no row.
    kept: Bucket,
    /// The level after the charge, with what was granted to all calls of the key and class.
    charged: Option<(Bucket, u64)>,
}

struct Answered {
    key: KeyId,
    secret_hash: ApiKeySecretHash,
    valid: Option<Valid>,
}

/// How many permits of each key and class have been handed out to calls.
type Handed = HashMap<(KeyId, BudgetClass), u64>;

/// Returns the outcome of each call; `numbers` are those of their rows. The permits that were granted go to the calls in their
/// order.
pub(super) fn answers(
    asks: &[AdmissionRequest],
    numbers: &[usize],
    groups: &[Group<'_>],
    rows: &[Row],
) -> Vec<Outcome<AdmissionAnswer>> {
    let rows: Vec<_> = rows.iter().zip(groups).map(|(row, group)| read(row, group)).collect();
    let mut handed = Handed::new();
    let answered = asks.iter().zip(numbers).map(|(ask, number)| match rows.get(*number) {
        Some(Ok(row)) => answer(ask, row, &mut handed),
        Some(Err(error)) => Outcome::Answered(Err(DatabaseError::corrupt("row", error.to_string()))),
        None => Outcome::Answered(Err(DatabaseError::corrupt("row", "no row"))),
    });
    answered.collect()
}

fn read(row: &Row, group: &Group<'_>) -> Result<Answered, DatabaseError> {
    let (key, secret_hash) = about(row)?;
    if get::<Option<&str>>(row, "id")?.is_none() {
        return Ok(Answered { key, secret_hash, valid: None });
    }
    let record = record(row, "key_organization")?;
    let is_bound = get::<Option<&str>>(row, "organization")?.is_some();
    let full = Bucket::full(group.request.class, &record.tier, group.now);
    let charged = match CHARGED.read(row, &full)? {
        Some(charged) => {
            let granted: i64 = get(row, "granted")?;
            Some((charged, u64::try_from(granted).unwrap_or(0)))
        }
        None => None,
    };
    let valid = Valid {
        binding: is_bound.then(|| binding(row)).transpose()?,
        kept: KEPT.read(row, &full)?.unwrap_or(full),
        charged,
        record,
    };
    Ok(Answered { key, secret_hash, valid: Some(valid) })
}

fn answer(ask: &AdmissionRequest, row: &Answered, handed: &mut Handed) -> Outcome<AdmissionAnswer> {
    let mut answer = AdmissionAnswer {
        key: row.key.clone(),
        secret_hash: row.secret_hash,
        record: None,
        decision: None,
        binding: None,
    };
    if let Some(valid) = &row.valid {
        let Some(decision) = decide(ask, valid, handed) else { return Outcome::Locked };
        answer.decision = Some(decision);
        answer.record = Some(valid.record.clone());
        answer.binding = ask.charge.then(|| ReadBinding {
            organization: valid.record.organization.clone(),
            binding: valid.binding.clone(),
        });
    }
    Outcome::Answered(Ok(answer))
}

/// Returns `None` if the budget has a permit, but was not charged, because the row was locked.
fn decide(ask: &AdmissionRequest, valid: &Valid, handed: &mut Handed) -> Option<RateLimitDecision> {
    let charges = ask.charge && access::has_scope(&valid.record, ask.needed.as_ref());
    let bucket = match &valid.charged {
        Some((charged, granted)) => {
            let mut charged = charged.clone();
            if charges {
                let handed = handed.entry((valid.record.id.clone(), ask.class)).or_default();
                if *handed < *granted {
                    *handed += 1;
                    give_back(&mut charged, granted - *handed);
                    return Some(RateLimitDecision::Allowed(charged.budget(ask.now)));
                }
            }
            charged
        }
        None => {
            let mut kept = valid.kept.clone();
            kept.catch_up(&valid.record.tier, ask.now);
            kept
        }
    };
    if !charges {
        return Some(RateLimitDecision::Allowed(bucket.budget(ask.now)));
    }
    let (budget, retry_after) = (bucket.budget(ask.now), bucket.wait_for(1, ask.now));
    (!retry_after.is_zero()).then_some(RateLimitDecision::Limited { budget, retry_after })
}

/// Adds what calls after this one were charged, so that each call gets the level after its own charge.
fn give_back(bucket: &mut Bucket, permits: u64) {
    bucket.level = bucket.level.saturating_add(u128::from(permits) * PERMIT);
    if bucket.daily.is_some() {
        bucket.used_today = bucket.used_today.saturating_sub(u32::try_from(permits).unwrap_or(u32::MAX));
    }
}
