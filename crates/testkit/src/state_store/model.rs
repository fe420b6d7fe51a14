//! Random sequences against a reference that keeps a plain list (I3, I29).

use std::collections::BTreeMap;
use std::ops::Range;

use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use dockline::{IssuedState, OrganizationId, PendingConfirmation, SecretDigest, StateDigest, VerifiedClaim};
use time::{Duration, OffsetDateTime};

use super::{NOON, claim, organization, pending, ticket};
use crate::fixtures::state_of;
use crate::random::{Random, seeds};

const STEPS: usize = 60;
const ORGANIZATIONS: [&str; 2] = ["org_a", "org_b"];
const STATES: [&str; 3] = ["s1", "s2", "s3"];
const TICKETS: [&str; 2] = ["t1", "t2"];
/// The ways in which a step can end.
const WAYS: usize = 10;

/// Every answer to every operation of random sequences is the reference's, and so is every row that is found (I29). The
/// times of puts go forth past expiries, and now and then back (I27).
///
/// Runs [`seeds`]; `DOCKLINE_SEED` runs one sequence again.
pub async fn the_store_agrees_with_a_plain_list_on_every_sequence(states: &dyn StateStore) {
    agrees_on(states, seeds()).await;
}

/// The same clause on as many sequences as the caller likes. One store serves all: each sequence has states of its own.
pub async fn agrees_on(states: &dyn StateStore, seeds: Range<u64>) {
    let sequences = usize::try_from(seeds.end - seeds.start).unwrap();
    let mut seen = BTreeMap::<_, usize>::new();
    for seed in seeds {
        println!("DOCKLINE_SEED={seed}"); // the last one that is printed is the one that failed
        let mut sequence =
            Sequence { seed, random: Random::seeded(seed), now: NOON, model: Model::default() };
        for _ in 0..STEPS {
            *seen.entry(sequence.step(states).await).or_default() += 1;
        }
    }
    println!("{seen:?}");
    // A generator that never gets somewhere would prove nothing about it.
    let reached = seen.len() == WAYS && seen.values().all(|&times| times * 5 > sequences);
    assert!(sequences < 50 || reached, "{seen:?}");
}

struct Sequence {
    seed: u64,
    random: Random,
    now: OffsetDateTime,
    model: Model,
}

impl Sequence {
    async fn step(&mut self, states: &dyn StateStore) -> &'static str {
        let digest = ticket(&format!("{} of {}", self.random.one_of(&STATES), self.seed));
        let shown = match self.random.below(3) {
            0 => None,
            _ => Some(ticket(self.random.one_of(&TICKETS))),
        };
        let claim = claim(1 + u64::from(self.random.below(2)));
        let ended = match self.random.below(10) {
            0..3 => {
                self.now += Duration::seconds(i64::from(self.random.below(900)) - 200);
                let organization = self.random.one_of(&ORGANIZATIONS);
                let state = state_of(organization, digest, self.now);
                let put = states.put(state.clone()).await.unwrap();
                assert_eq!(put, self.model.put(state));
                if put == PutOutcome::Stored { "stored" } else { "in use" }
            }
            3..6 => {
                let pending = PendingConfirmation { claim, ..pending(self.random.one_of(&TICKETS)) };
                let held = states.save_pending(&digest, pending).await.unwrap();
                assert_eq!(held, self.model.save_pending(&digest, pending));
                if held { "held" } else { "not held" }
            }
            6..9 => {
                let vouched = states.confirm_claim(&digest, shown.as_ref(), claim).await.unwrap();
                assert_eq!(vouched, self.model.confirm_claim(&digest, shown.as_ref(), claim));
                match vouched {
                    ConfirmOutcome::Tied => "tied",
                    ConfirmOutcome::AlreadyTied => "already tied",
                    ConfirmOutcome::TiedToOther => "tied to another",
                    ConfirmOutcome::Unknown => "unknown",
                }
            }
            _ => {
                let discarded = states.revoke(&digest, shown.as_ref()).await.unwrap();
                assert_eq!(discarded, self.model.revoke(&digest, shown.as_ref()));
                if discarded { "discarded" } else { "not discarded" }
            }
        };
        self.compare(states, &digest).await;
        ended
    }

    async fn compare(&self, states: &dyn StateStore, digest: &StateDigest) {
        let expected = self.model.installation(digest);
        assert_eq!(states.find_by_digest(digest).await.unwrap().as_ref(), expected);
        for name in ORGANIZATIONS.map(organization) {
            let own = expected.filter(|state| is_of(state, &name));
            assert_eq!(states.find(&name, digest).await.unwrap().as_ref(), own, "I3");
        }
    }
}

fn is_of(state: &IssuedState, organization: &OrganizationId) -> bool {
    state.organization == *organization
}

/// Every state that was ever put, the last of each digest last; and whether it was used up.
#[derive(Default)]
struct Model(Vec<(IssuedState, bool)>);

impl Model {
    fn row(&mut self, digest: &StateDigest) -> Option<&mut (IssuedState, bool)> {
        self.0.iter_mut().rfind(|(state, _)| state.digest == *digest)
    }

    fn installation(&self, digest: &StateDigest) -> Option<&IssuedState> {
        let (state, discarded) = self.0.iter().rfind(|(state, _)| state.digest == *digest)?;
        (!discarded).then_some(state)
    }

    fn put(&mut self, state: IssuedState) -> PutOutcome {
        if let Some((before, discarded)) = self.row(&state.digest) {
            let untouched = before.pending.is_none() && before.claim.is_none() && !*discarded;
            let repeated = untouched && before.organization == state.organization;
            if !repeated && before.expires_at > state.issued_at {
                return PutOutcome::InUse;
            }
        }
        self.0.push((state, false));
        PutOutcome::Stored
    }

    /// The row, if whoever shows this ticket may change it.
    fn open(
        &mut self,
        digest: &StateDigest,
        shown: Option<&SecretDigest>,
    ) -> Option<&mut (IssuedState, bool)> {
        let row = self.row(digest)?;
        let asked = row.0.pending.map(|pending| pending.ticket);
        (!row.1 && (shown.is_none() || shown == asked.as_ref())).then_some(row)
    }

    fn save_pending(&mut self, digest: &StateDigest, pending: PendingConfirmation) -> bool {
        match self.open(digest, None) {
            Some((state, _)) => {
                state.pending = Some(pending);
                true
            }
            None => false,
        }
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
        match self.open(digest, shown) {
            Some(row) => {
                row.1 = true;
                true
            }
            None => false,
        }
    }
}
