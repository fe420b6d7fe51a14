//! Random sequences of calls, compared with a reference that keeps a plain list.

use std::ops::Range;

use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use dockline::{IssuedState, PendingConfirmation, SecretDigest, StateDigest, VerifiedClaim};
use fastrand::Rng;
use time::{Duration, OffsetDateTime};

use super::{NOON, claim, organization, pending, ticket};
use crate::fixtures::state_of;
use crate::random::{Reached, SeedOnFailure, seeds};
use crate::runner::cases;

const STEPS: usize = 60;
const ORGANIZATIONS: [&str; 2] = ["org_a", "org_b"];
const STATES: [&str; 3] = ["s1", "s2", "s3"];
const TICKETS: [&str; 2] = ["t1", "t2"];
/// The number of different outcomes of a step.
const OUTCOMES: usize = 10;

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
        let mut sequence = Sequence { seed, random, now: NOON, reference: Reference::default() };
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
    reference: Reference,
}

impl Sequence {
    fn ticket(&mut self) -> SecretDigest {
        ticket(self.random.choice(TICKETS).unwrap())
    }

    async fn step(&mut self, states: &dyn StateStore) -> &'static str {
        let digest = ticket(&format!("{} of {}", self.random.choice(STATES).unwrap(), self.seed));
        let shown = (self.random.u32(..3) > 0).then(|| self.ticket());
        let claim = claim(self.random.u64(1..=2));
        let outcome = match self.random.u32(..10) {
            0..3 => {
                self.now += Duration::seconds(self.random.i64(-200..700));
                let state = state_of(self.random.choice(ORGANIZATIONS).unwrap(), digest, self.now);
                let put = states.put(state.clone()).await.unwrap();
                assert_eq!(put, self.reference.put(state));
                if put == PutOutcome::Stored { "stored" } else { "in use" }
            }
            3..6 => {
                let pending = PendingConfirmation { claim, ticket: self.ticket(), ..pending("t") };
                let saved = states.save_pending(&digest, pending).await.unwrap();
                assert_eq!(saved, self.reference.save_pending(&digest, pending));
                if saved { "pending" } else { "not pending" }
            }
            6..9 => {
                let confirmed = states.confirm_claim(&digest, shown.as_ref(), claim).await.unwrap();
                assert_eq!(confirmed, self.reference.confirm_claim(&digest, shown.as_ref(), claim));
                match confirmed {
                    ConfirmOutcome::Tied => "confirmed",
                    ConfirmOutcome::AlreadyTied => "already confirmed",
                    ConfirmOutcome::TiedToOther => "another claim",
                    ConfirmOutcome::Unknown => "unknown",
                }
            }
            _ => {
                let revoked = states.revoke(&digest, shown.as_ref()).await.unwrap();
                assert_eq!(revoked, self.reference.revoke(&digest, shown.as_ref()));
                if revoked { "revoked" } else { "not revoked" }
            }
        };
        self.compare(states, &digest).await;
        outcome
    }

    async fn compare(&self, states: &dyn StateStore, digest: &StateDigest) {
        let expected = self.reference.find(digest);
        assert_eq!(states.find_by_digest(digest).await.unwrap().as_ref(), expected);
        for organization in ORGANIZATIONS.map(organization) {
            let own = expected.filter(|state| state.organization == organization);
            assert_eq!(states.find(&organization, digest).await.unwrap().as_ref(), own);
        }
    }
}

/// Every state that was put, the current one of each digest last, and whether it is revoked.
#[derive(Default)]
struct Reference(Vec<(IssuedState, bool)>);

impl Reference {
    fn row(&mut self, digest: &StateDigest) -> Option<&mut (IssuedState, bool)> {
        self.0.iter_mut().rfind(|(state, _)| state.digest == *digest)
    }

    fn find(&self, digest: &StateDigest) -> Option<&IssuedState> {
        let (state, revoked) = self.0.iter().rfind(|(state, _)| state.digest == *digest)?;
        (!revoked).then_some(state)
    }

    fn put(&mut self, state: IssuedState) -> PutOutcome {
        if let Some((before, revoked)) = self.row(&state.digest) {
            let unused = before.pending.is_none() && before.claim.is_none() && !*revoked;
            let repeated = unused && before.organization == state.organization;
            if !repeated && before.expires_at > state.issued_at {
                return PutOutcome::InUse;
            }
        }
        self.0.push((state, false));
        PutOutcome::Stored
    }

    /// The row, if it is not revoked and the shown ticket, if any, is the pending confirmation's.
    fn open(
        &mut self,
        digest: &StateDigest,
        shown: Option<&SecretDigest>,
    ) -> Option<&mut (IssuedState, bool)> {
        let row = self.row(digest)?;
        let ticket = row.0.pending.map(|pending| pending.ticket);
        (!row.1 && (shown.is_none() || shown == ticket.as_ref())).then_some(row)
    }

    fn save_pending(&mut self, digest: &StateDigest, pending: PendingConfirmation) -> bool {
        self.open(digest, None).is_some_and(|(state, _)| {
            state.pending = Some(pending);
            true
        })
    }

    fn confirm_claim(
        &mut self,
        digest: &StateDigest,
        shown: Option<&SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        let Some((state, _)) = self.open(digest, shown) else { return ConfirmOutcome::Unknown };
        match state.claim {
            Some(first) if first.installation != claim.installation => ConfirmOutcome::TiedToOther,
            Some(_) => {
                state.pending = None;
                ConfirmOutcome::AlreadyTied
            }
            None => {
                (state.pending, state.claim) = (None, Some(claim));
                ConfirmOutcome::Tied
            }
        }
    }

    fn revoke(&mut self, digest: &StateDigest, shown: Option<&SecretDigest>) -> bool {
        self.open(digest, shown).is_some_and(|(_, revoked)| {
            *revoked = true;
            true
        })
    }
}
