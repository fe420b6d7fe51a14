//! Which keys are charged: every row of the access table, through the adapter and through the small ports.

use dockline::ports::{AdmissionRequest, RateLimitDecision, RateLimitRequest};
use dockline::rules::access;
use dockline::{BudgetClass, KeyEnvironment, KeyRecord, Scope};
use time::Duration;

use super::{AdmissionDriver, NOON, admit, left, read};
use crate::fixtures::{in_the_east, in_the_west, key, key_of};
use crate::runner::cases;

/// A row of the access table: what differs from a valid key and its request.
type Row = (&'static str, fn(&mut KeyRecord), fn(&mut AdmissionRequest));

const ROWS: &[Row] = &[
    ("valid", |_| {}, |_| {}),
    ("another secret", |_| {}, |request| request.secret_hash = key_of("org_other", 77).0.secret_hash()),
    ("another environment", |record| record.environment = KeyEnvironment::Test, |_| {}),
    ("environment not asked for", |_| {}, |request| request.environment = KeyEnvironment::Test),
    ("revoked now", |record| record.revoked_at = Some(NOON), |_| {}),
    ("revoked before", |record| record.revoked_at = Some(NOON - Duration::DAY), |_| {}),
    ("revoked later", |record| record.revoked_at = Some(NOON + Duration::MICROSECOND), |_| {}),
    ("expired now", |record| record.expires_at = Some(NOON), |_| {}),
    ("expires later", |record| record.expires_at = Some(NOON + Duration::MICROSECOND), |_| {}),
    ("revoked later, expired", later_but_expired, |_| {}),
    ("no scope", |record| record.scopes = vec![], |_| {}),
    ("another scope", |record| record.scopes = vec![Scope::Other("billing:read".into())], |_| {}),
    ("all scopes", |record| record.scopes = vec![Scope::Other("x".into()), Scope::All], |_| {}),
    ("no scope, none needed", |record| record.scopes = vec![], |request| request.needed = None),
    ("another scope needed", |_| {}, |request| request.needed = Some(Scope::Other("billing:read".into()))),
    ("all scopes needed", |_| {}, |request| request.needed = Some(Scope::All)),
    ("no budget", |record| record.tier.reads_per_minute = 0, |_| {}),
    ("not charged", |_| {}, |request| request.charge = false),
    ("not charged, without scope", |record| record.scopes = vec![], |request| request.charge = false),
];

fn later_but_expired(record: &mut KeyRecord) {
    record.revoked_at = Some(NOON + Duration::DAY);
    record.expires_at = Some(NOON - Duration::DAY);
}

cases!(
    use __admission_access as list;

    /// A key is charged once if it is valid and has the scope, and never otherwise; the decision is that of the rate limiter
    /// (I12).
    pub async fn every_row_of_the_access_table_is_decided_as_by_the_small_ports(
        driver: &dyn AdmissionDriver,
    ) {
        for class in [BudgetClass::Read, BudgetClass::Write] {
            for (name, change, ask) in ROWS {
                let ((api_key, mut record), (_, twin)) = (key(), key());
                change(&mut record);
                driver.insert(record.clone()).await;
                let mut request = AdmissionRequest { class, ..read(&api_key) };
                ask(&mut request);
                // The same key judged and charged in steps, to a budget of its own.
                let judged = access::authenticate(&request, Some(record.clone()));
                let in_scope = access::has_scope(&record, request.needed.as_ref());
                let charges = u32::from(in_scope && request.charge);
                let check = RateLimitRequest {
                    key: (&twin.id).into(),
                    class,
                    tier: record.tier.clone(),
                    permits: charges,
                    now: NOON,
                };
                let expected = driver.limiter().check(check).await.unwrap();
                let full = left(driver, &record, class).await;

                let answer = admit(driver.admission(), request.clone()).await;
                let charged = judged.is_some() && matches!(expected, RateLimitDecision::Allowed(_));
                let after = full - if charged { charges } else { 0 };
                assert_eq!(left(driver, &record, class).await, after, "{name}");
                assert_eq!(access::authenticate(&request, answer.record.clone()), judged, "{name}");
                assert_eq!(answer.decision, judged.map(|_| expected), "{name}");
                assert!(answer.binding.is_none() || answer.record.is_some(), "{name}");
            }
        }
    }

    /// An unknown key is not charged, and nothing is known of it.
    pub async fn unknown_key_is_not_charged(driver: &dyn AdmissionDriver) {
        let (api_key, record) = key();
        let answer = admit(driver.admission(), read(&api_key)).await;
        assert_eq!((answer.record, answer.decision, answer.binding), (None, None, None));
        driver.insert(record.clone()).await;
        assert_eq!(left(driver, &record, BudgetClass::Read).await, 120);
    }

    /// A revocation applies to the next request, which is not charged (I13).
    pub async fn revoked_key_is_not_charged_from_the_next_request(driver: &dyn AdmissionDriver) {
        let (api_key, record) = key();
        driver.insert(record.clone()).await;
        for admission in [driver.admission(), driver.other_node()] {
            let answer = admit(admission, read(&api_key)).await;
            assert!(access::authenticate(&read(&api_key), answer.record).is_some());
        }
        driver.revoke(&record.id, NOON).await;
        for admission in [driver.admission(), driver.other_node()] {
            let answer = admit(admission, read(&api_key)).await;
            assert_eq!(access::authenticate(&read(&api_key), answer.record), None);
        }
        assert_eq!(left(driver, &record, BudgetClass::Read).await, 118);
    }

    /// A wrong secret for a known key leaves its budget untouched, however often.
    pub async fn wrong_secret_leaves_the_budget_untouched(driver: &dyn AdmissionDriver) {
        let ((api_key, record), (other, _)) = (key(), key());
        driver.insert(record.clone()).await;
        let wrong = AdmissionRequest { secret_hash: other.secret_hash(), ..read(&api_key) };
        for _ in 0..200 {
            let answer = admit(driver.admission(), wrong.clone()).await;
            assert_eq!(access::authenticate(&wrong, answer.record), None);
            assert_eq!((answer.decision, answer.binding), (None, None));
        }
        assert_eq!(left(driver, &record, BudgetClass::Read).await, 120);
    }

    /// Expiry and revocation are judged by instants, whatever the offsets of the times (I27).
    pub async fn offsets_of_times_change_nothing(driver: &dyn AdmissionDriver) {
        let (api_key, mut record) = key();
        let expiry = NOON + Duration::MINUTE;
        record.expires_at = Some(in_the_west(expiry));
        driver.insert(record).await;
        let ask = |now| AdmissionRequest { now, ..read(&api_key) };
        let just_before = in_the_east(expiry - Duration::MICROSECOND);
        assert!(admit(driver.admission(), ask(just_before)).await.decision.is_some(), "before the expiry");
        let expired = admit(driver.admission(), ask(in_the_west(expiry))).await;
        assert_eq!(expired.decision, None, "at the expiry");
    }
);
