//! Model values for tests. Those without arguments are like no other of this process, so that tests may share a store.

use std::sync::atomic::{AtomicU64, Ordering};

use dockline::ports::SeededEntropy;
use dockline::{
    Account, AccountId, AccountKind, Actor, ApiKey, InstallationId, IssuedState, KeyEnvironment, KeyRecord,
    NewBinding, OrganizationId, OrganizationName, Proof, Scope, SecretDigest, StateDigest, Status, Tier,
    VerifiedClaim,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// When the fixtures happen: 2026-06-01 12:00 UTC.
pub const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

/// So many seconds after [`NOON`].
#[must_use]
pub fn seconds(after_noon: i64) -> OffsetDateTime {
    NOON + Duration::seconds(after_noon)
}

/// A number that nobody got before.
#[must_use]
pub fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The organization of that id.
///
/// # Panics
/// Where the id is none.
#[must_use]
pub fn organization(id: &str) -> OrganizationId {
    OrganizationId::new(id).unwrap()
}

/// The installation of that number.
///
/// # Panics
/// Where the number is out of range.
#[must_use]
pub fn installation(number: u64) -> InstallationId {
    InstallationId::new(number).unwrap()
}

/// The account of that number.
///
/// # Panics
/// Where the number is out of range.
#[must_use]
pub fn account_id(number: u64) -> AccountId {
    AccountId::new(number).unwrap()
}

/// The GitHub organization 1234, under this login.
#[must_use]
pub fn account(login: &str) -> Account {
    Account { id: account_id(1_234), login: login.into(), kind: AccountKind::Organization }
}

/// The name `Acme Coffee`.
///
/// # Panics
/// Never: it is a valid name.
#[must_use]
pub fn organization_name() -> OrganizationName {
    OrganizationName::new("Acme Coffee").unwrap()
}

/// The actor `user:ann`.
///
/// # Panics
/// Never: it is a valid name.
#[must_use]
pub fn actor() -> Actor {
    Actor::new("user:ann").unwrap()
}

/// The digest of a secret text.
#[must_use]
pub fn digest(text: &str) -> SecretDigest {
    SecretDigest::of(text.as_bytes())
}

/// An active installation on `acme-coffee`, verified at noon, registered two seconds later.
#[must_use]
pub fn binding_of(organization_id: &str, number: u64, state: StateDigest) -> NewBinding {
    NewBinding {
        organization: organization(organization_id),
        installation: installation(number),
        account: account("acme-coffee"),
        status: Status::Active,
        proof: Proof::Administered,
        proven_by: Some(account_id(77)),
        actor: actor(),
        spent: state,
        last_verified_at: NOON,
        registered_at: seconds(2),
    }
}

/// A binding of an organization, an installation and a state that occur nowhere else.
#[must_use]
pub fn binding() -> NewBinding {
    let number = unique();
    binding_of(&format!("org_{number}"), number, digest(&format!("state {number}")))
}

/// A state of that digest, issued to this organization at that time, for the usual quarter of an hour.
#[must_use]
pub fn state_of(organization_id: &str, digest: StateDigest, issued_at: OffsetDateTime) -> IssuedState {
    IssuedState {
        digest,
        organization: organization(organization_id),
        organization_name: organization_name(),
        actor: actor(),
        return_url: "https://app.acme.example/done".into(),
        issued_at,
        expires_at: issued_at + IssuedState::LIFETIME,
        pending: None,
        claim: None,
    }
}

/// A state of an organization and a digest that occur nowhere else, issued at noon.
#[must_use]
pub fn state() -> IssuedState {
    let number = unique();
    state_of(&format!("org_{number}"), digest(&format!("state {number}")), NOON)
}

/// Ties a state to that installation, on the account 1234, as shown by its administrator 77.
#[must_use]
pub fn claim(number: u64) -> VerifiedClaim {
    VerifiedClaim {
        installation: installation(number),
        account: account_id(1_234),
        proof: Proof::Administered,
        visitor: account_id(77),
    }
}

/// A live key that may do everything, and what a store keeps of it. The same seed gives the same key.
///
/// # Panics
/// Never: its entropy does not fail.
#[must_use]
pub fn key_of(organization_id: &str, seed: u64) -> (ApiKey, KeyRecord) {
    let key = ApiKey::mint(KeyEnvironment::Live, &SeededEntropy::new(seed)).unwrap();
    let record = KeyRecord {
        id: key.id().clone(),
        environment: key.environment(),
        secret_hash: key.secret_hash(),
        organization: organization(organization_id),
        organization_name: organization_name(),
        scopes: vec![Scope::GithubAdmin],
        tier: Tier::standard(),
        return_hosts: vec!["app.acme.example".into()],
        revoked_at: None,
        expires_at: None,
    };
    (key, record)
}

/// A key and an organization that occur nowhere else.
#[must_use]
pub fn key() -> (ApiKey, KeyRecord) {
    let number = unique();
    key_of(&format!("org_{number}"), number)
}
