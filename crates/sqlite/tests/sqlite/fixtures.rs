//! Values that the tests store.

use dockline::{
    Account, AccountId, AccountKind, Actor, ApiKeySecretHash, InstallationId, InstallerRecord, IssuedState,
    KeyEnvironment, KeyId, KeyRecord, NewBinding, OrganizationId, Proof, Scope, SecretDigest, Status, Tier,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

pub(crate) const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

pub(crate) fn organization(name: &str) -> OrganizationId {
    OrganizationId::new(name).unwrap()
}

pub(crate) fn installation(number: u64) -> InstallationId {
    InstallationId::new(number).unwrap()
}

pub(crate) fn account(number: u64) -> Account {
    Account {
        id: AccountId::new(number).unwrap(),
        login: format!("account-{number}"),
        kind: AccountKind::Organization,
    }
}

pub(crate) fn actor() -> Actor {
    "user:ann".parse().unwrap()
}

pub(crate) fn digest(text: &str) -> SecretDigest {
    SecretDigest::of(text.as_bytes())
}

pub(crate) fn binding(owner: &str, number: u64, state: &str) -> NewBinding {
    NewBinding {
        organization: organization(owner),
        installation: installation(number),
        account: account(number),
        status: Status::Active,
        proof: Proof::Administered,
        proven_by: Some(AccountId::new(77).unwrap()),
        actor: actor(),
        spent: digest(state),
        last_verified_at: NOON,
        next_look_at: NOON + Duration::HOUR,
        registered_at: NOON + Duration::SECOND,
        facts: None,
    }
}

pub(crate) fn state(owner: &str, text: &str) -> IssuedState {
    IssuedState {
        digest: digest(text),
        organization: organization(owner),
        organization_name: "Acme".parse().unwrap(),
        actor: "user:ann".parse().unwrap(),
        return_url: "https://acme.example/done".to_owned(),
        issued_at: NOON,
        expires_at: NOON + IssuedState::LIFETIME,
        pending: Vec::new(),
        answered: None,
        claim: None,
        revoked: false,
    }
}

/// The record that names this installer. The App had the permission "Members" if the number is odd.
pub(crate) fn installer(number: u64) -> InstallerRecord {
    InstallerRecord { installer: AccountId::new(number).unwrap(), members_permission: number % 2 == 1 }
}

pub(crate) fn key(id: &str, owner: &str) -> KeyRecord {
    KeyRecord {
        id: KeyId::parse(id).unwrap(),
        environment: KeyEnvironment::Live,
        secret_hash: ApiKeySecretHash::from_bytes([7; 32]),
        organization: organization(owner),
        organization_name: "Acme Coffee ☕".parse().unwrap(),
        scopes: vec![Scope::GithubAdmin, Scope::Other("billing:read".to_owned())],
        tier: Tier::partner(),
        return_hosts: vec!["acme.example".to_owned(), "localhost".to_owned()],
        revoked_at: None,
        expires_at: None,
    }
}
