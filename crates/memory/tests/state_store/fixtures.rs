use dockline::ports::StateStore;
use dockline::{
    AccountId, InstallationId, IssuedState, OrganizationId, Proof, SecretDigest, SetupAction, StateDigest,
    Tie, Visit,
};
use time::OffsetDateTime;
use time::macros::datetime;

pub(crate) const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

pub(crate) fn organization(name: &str) -> OrganizationId {
    OrganizationId::new(name).unwrap()
}

pub(crate) fn digest() -> StateDigest {
    StateDigest::of(b"lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK")
}

pub(crate) fn ticket(name: &str) -> SecretDigest {
    SecretDigest::of(name.as_bytes())
}

/// The state of [`digest`], issued to org_acme at noon.
pub(crate) fn issued() -> IssuedState {
    issued_at(NOON)
}

pub(crate) fn issued_at(issued_at: OffsetDateTime) -> IssuedState {
    IssuedState {
        digest: digest(),
        organization: organization("org_acme"),
        organization_name: "Acme Coffee".into(),
        return_url: "https://app.acme.example/done".into(),
        issued_at,
        expires_at: issued_at + IssuedState::LIFETIME,
        visit: None,
        tie: None,
    }
}

/// A state of another digest, whose put shows the store what time it is.
pub(crate) fn another_at(time: OffsetDateTime) -> IssuedState {
    IssuedState { digest: StateDigest::of(time.to_string().as_bytes()), ..issued_at(time) }
}

pub(crate) fn tie(installation: u64) -> Tie {
    Tie {
        installation: InstallationId::new(installation).unwrap(),
        account: AccountId::new(1_234).unwrap(),
        proof: Proof::Administered,
        visitor: AccountId::new(77).unwrap(),
    }
}

pub(crate) fn visit(ticket_name: &str) -> Visit {
    Visit {
        ticket: ticket(ticket_name),
        browser: SecretDigest::of(b"cookie"),
        tie: tie(1),
        setup_action: SetupAction::Install,
    }
}

pub(crate) async fn stored(states: &dyn StateStore) -> Option<IssuedState> {
    states.find_by_digest(&digest()).await.unwrap()
}
