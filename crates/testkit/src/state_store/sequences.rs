//! Random sequences of calls, compared with a reference that keeps a plain list.

use std::ops::Range;

use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{CodeFate, PendingConfirmation, SecretDigest};
use fastrand::Rng;
use time::{Duration, OffsetDateTime};

use super::reference::Reference;
use super::{NOON, claim, organization, pending, ticket};
use crate::fixtures::state_of;
use crate::random::{Reached, SeedOnFailure, seeds};
use crate::runner::cases;

const STEPS: usize = 100;
const ORGANIZATIONS: [&str; 2] = ["org_a", "org_b"];
const STATES: [&str; 3] = ["s1", "s2", "s3"];
const CODES: u32 = 7;
/// The number of different outcomes of a step.
const OUTCOMES: usize = 17;

cases!(
    use __state_store_sequences as list;

    /// Every outcome and every row of random sequences equals the reference's. Times go past expiries and sometimes back
    /// (I3, I27, I29).
    pub async fn random_sequences_agree_with_the_reference(states: &dyn StateStore) {
        check_sequences(states, seeds()).await;
    }
);

/// Runs [`random_sequences_agree_with_the_reference`] for other seeds.
///
/// Each sequence has its own states, so one store serves all of them.
pub async fn check_sequences(states: &dyn StateStore, seeds: Range<u64>) {
    let sequences = seeds.end - seeds.start;
    let mut reached = Reached::default();
    for seed in seeds {
        let _seed = SeedOnFailure(seed);
        let random = Rng::with_seed(seed);
        let mut sequence = Sequence { seed, random, now: NOON, asked: 0, reference: Reference::default() };
        for _ in 0..STEPS {
            reached.count(sequence.step(states).await);
        }
    }
    reached.assert_all(OUTCOMES, sequences);
}

struct Sequence {
    seed: u64,
    random: Rng,
    now: OffsetDateTime,
    /// The number of pending confirmations so far, since tickets are unique.
    asked: u32,
    reference: Reference,
}

impl Sequence {
    /// The ticket of one of the last confirmations.
    fn ticket(&mut self) -> SecretDigest {
        ticket(&self.asked.saturating_sub(self.random.u32(..6)).to_string())
    }

    async fn step(&mut self, states: &dyn StateStore) -> &'static str {
        let digest = ticket(&format!("{} of {}", self.random.choice(STATES).unwrap(), self.seed));
        let shown = (self.random.u32(..3) > 0).then(|| self.ticket());
        let claim = claim(self.random.u64(1..=2));
        let outcome = match self.random.u32(..25) {
            0..2 => {
                self.now += Duration::seconds(self.random.i64(-200..700));
                let state = state_of(self.random.choice(ORGANIZATIONS).unwrap(), digest, self.now);
                let put = states.put(state.clone()).await.unwrap();
                assert_eq!(put, self.reference.put(state));
                if put == PutOutcome::Stored { "stored" } else { "in use" }
            }
            2..5 => {
                self.asked += 1;
                let ticket = ticket(&self.asked.to_string());
                let pending = PendingConfirmation { claim, ticket, ..pending("t") };
                let saved = states.save_pending(&digest, pending).await.unwrap();
                assert_eq!(saved, self.reference.save_pending(&digest, pending));
                if saved { "pending" } else { "not pending" }
            }
            5..8 => {
                let confirmed = states.confirm_claim(&digest, shown, claim).await.unwrap();
                assert_eq!(confirmed, self.reference.confirm_claim(&digest, shown, claim));
                match confirmed {
                    ConfirmOutcome::Tied => "confirmed",
                    ConfirmOutcome::AlreadyTied => "already confirmed",
                    ConfirmOutcome::TiedToOther => "another claim",
                    ConfirmOutcome::Unknown => "unknown",
                }
            }
            8 => {
                let revoked = states.revoke(&digest, shown).await.unwrap();
                assert_eq!(revoked, self.reference.revoke(&digest, shown));
                if revoked { "revoked" } else { "not revoked" }
            }
            9..19 => {
                let code = ticket(&format!("code {}", self.random.u32(..CODES)));
                let reserved = states.reserve_code(&digest, &code).await.unwrap();
                assert_eq!(reserved, self.reference.reserve_code(&digest, &code));
                match reserved {
                    ReserveOutcome::Reserved => "code reserved",
                    ReserveOutcome::Known(CodeFate::Sent) => "code sent before",
                    ReserveOutcome::Known(CodeFate::Refused) => "code refused before",
                    ReserveOutcome::Known(CodeFate::Used) => "code used before",
                    ReserveOutcome::Exhausted => "too many codes",
                    ReserveOutcome::Unknown => "no code taken",
                }
            }
            _ => {
                let code = ticket(&format!("code {}", self.random.u32(..CODES)));
                let fates = [CodeFate::Refused, CodeFate::Refused, CodeFate::Used];
                let fate = self.random.choice(fates).unwrap();
                states.settle_code(&digest, &code, fate).await.unwrap();
                self.reference.settle_code(&digest, &code, fate);
                "code settled"
            }
        };
        self.compare(states, &digest).await;
        outcome
    }

    async fn compare(&self, states: &dyn StateStore, digest: &SecretDigest) {
        let expected = self.reference.find(digest);
        assert_eq!(states.find_by_digest(digest).await.unwrap().as_ref(), expected);
        for organization in ORGANIZATIONS.map(organization) {
            let own = expected.filter(|state| state.organization == organization && !state.revoked);
            assert_eq!(states.find(&organization, digest).await.unwrap().as_ref(), own);
        }
    }
}
