//! Model values for tests. Functions without arguments return values that are unique in the process, so that tests can
//! share a store.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use dockline::ports::SeededEntropy;
use dockline::{
    Account, AccountId, AccountKind, Actor, ApiKey, ClaimMembership, InstallationId, InstallerRecord,
    IssuedState, KeyEnvironment, KeyId, KeyRecord, NewBinding, OrganizationId, OrganizationName, Proof,
    Scope, SecretDigest, StateDigest, Status, Tier, VerifiedClaim,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime, UtcOffset};

/// The time of the fixtures: 2026-06-01 12:00 UTC.
pub const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

/// Returns the time that many seconds after [`NOON`].
#[must_use]
pub fn seconds(after_noon: i64) -> OffsetDateTime {
    NOON + Duration::seconds(after_noon)
}

/// Returns the same instant by a clock in the east, whose day is further on.
///
/// # Panics
/// Never, because the offset is valid.
#[must_use]
pub fn in_the_east(time: OffsetDateTime) -> OffsetDateTime {
    time.to_offset(UtcOffset::from_hms(12, 45, 0).unwrap())
}

/// Returns the same instant by a clock in the west, which shows an earlier time.
///
/// # Panics
/// Never, because the offset is valid.
#[must_use]
pub fn in_the_west(time: OffsetDateTime) -> OffsetDateTime {
    time.to_offset(UtcOffset::from_hms(-9, -30, 0).unwrap())
}

/// A text that no `Debug` of an adapter may show.
pub const CANARY: &str = "canary-7f3a";

/// Asserts that the `Debug` of an adapter shows neither this text nor anything else that the case stored.
///
/// # Panics
/// Panics if it does.
pub fn assert_hidden(adapter: &(impl Debug + ?Sized), text: &str) {
    for shown in [format!("{adapter:?}"), format!("{adapter:#?}")] {
        assert!(
            !shown.contains(text),
            "`Debug` shows {text:?}, which was stored: {shown}; write `Debug` by hand"
        );
    }
}

/// Returns two digests whose Base64 differs in case only.
#[must_use]
pub fn digests_that_differ_in_case() -> [StateDigest; 2] {
    let of = |triple: [u8; 3]| {
        let mut bytes = [0; 32];
        for (byte, value) in bytes[..30].iter_mut().zip(triple.into_iter().cycle()) {
            *byte = value;
        }
        SecretDigest::from_bytes(bytes)
    };
    // `AAAA…` and `aaaa…`
    [of([0, 0, 0]), of([0x69, 0xa6, 0x9a])]
}

/// Returns a number that it has not returned before.
#[must_use]
pub fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Returns the organization with this id.
///
/// # Panics
/// Panics if the id is invalid.
#[must_use]
pub fn organization(id: &str) -> OrganizationId {
    OrganizationId::new(id).unwrap()
}

/// Returns the installation with this number.
///
/// # Panics
/// Panics if the number is out of range.
#[must_use]
pub fn installation(number: u64) -> InstallationId {
    InstallationId::new(number).unwrap()
}

/// Returns the account id with this number.
///
/// # Panics
/// Panics if the number is out of range.
#[must_use]
pub fn account_id(number: u64) -> AccountId {
    AccountId::new(number).unwrap()
}

/// Returns the GitHub organization 1234 with this login.
#[must_use]
pub fn account(login: &str) -> Account {
    Account { id: account_id(1_234), login: login.into(), kind: AccountKind::Organization }
}

/// Returns the GitHub organization with this number, and with the login `account-` and the number.
///
/// # Panics
/// Panics if the number is out of range.
#[must_use]
pub fn numbered_account(number: u64) -> Account {
    Account { id: account_id(number), ..account(&format!("account-{number}")) }
}

/// Returns the name `Acme Coffee`.
///
/// # Panics
/// Never, because the name is valid.
#[must_use]
pub fn organization_name() -> OrganizationName {
    OrganizationName::new("Acme Coffee").unwrap()
}

/// Returns the actor `user:ann`.
///
/// # Panics
/// Never, because the name is valid.
#[must_use]
pub fn actor() -> Actor {
    Actor::new("user:ann").unwrap()
}

/// Returns the digest of a secret.
#[must_use]
pub fn digest(text: &str) -> SecretDigest {
    SecretDigest::of(text.as_bytes())
}

/// Returns a binding to an active installation on `acme-coffee`, verified at noon and registered two seconds later.
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
        next_look_at: NOON + Duration::HOUR,
        registered_at: seconds(2),
        facts: None,
    }
}

/// Returns a binding with a unique organization, installation and state.
#[must_use]
pub fn binding() -> NewBinding {
    let number = unique();
    binding_of(&format!("org_{number}"), number, digest(&format!("state {number}")))
}

/// Returns a state with this digest, issued to the organization at this time for the usual 15 minutes.
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
        pending: Vec::new(),
        answered: None,
        claim: None,
        revoked: false,
    }
}

/// Returns a state with a unique organization and digest, issued at noon.
#[must_use]
pub fn state() -> IssuedState {
    let number = unique();
    state_of(&format!("org_{number}"), digest(&format!("state {number}")), NOON)
}

/// Returns a claim to this installation on the account 1234, verified for its administrator 77.
#[must_use]
pub fn claim(number: u64) -> VerifiedClaim {
    VerifiedClaim {
        installation: installation(number),
        account: account_id(1_234),
        proof: Proof::Administered,
        visitor: account_id(77),
        membership: ClaimMembership::Administrator,
    }
}

/// Returns the record that names this installer. The App had the permission "Members" if the number is odd.
#[must_use]
pub fn installer_record(number: u64) -> InstallerRecord {
    InstallerRecord { installer: account_id(number), members_permission: number % 2 == 1 }
}

/// Returns a live key with the scope `GithubAdmin` and its record. The same seed gives the same key.
///
/// # Panics
/// Never, because its entropy does not fail.
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

/// Returns the record of a key with this id, a scope of another product and the tier `partner`.
///
/// # Panics
/// Panics if an id is invalid.
#[must_use]
pub fn key_record(id: &str, organization_id: &str) -> KeyRecord {
    KeyRecord {
        id: KeyId::parse(id).unwrap(),
        scopes: vec![Scope::GithubAdmin, Scope::Other("billing:read".to_owned())],
        tier: Tier::partner(),
        ..key_of(organization_id, 7).1
    }
}

/// Returns a unique key of a unique organization, and its record.
#[must_use]
pub fn key() -> (ApiKey, KeyRecord) {
    let number = unique();
    key_of(&format!("org_{number}"), number)
}
