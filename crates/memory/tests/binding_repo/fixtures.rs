use dockline::ports::{BindingRepo, Insertion, Observation};
use dockline::{
    Account, AccountId, AccountKind, Binding, InstallationId, NewBinding, OrganizationId, Proof, StateDigest,
    Status,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

pub(crate) const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

pub(crate) fn seconds(after_noon: i64) -> OffsetDateTime {
    NOON + Duration::seconds(after_noon)
}

pub(crate) fn organization(name: &str) -> OrganizationId {
    OrganizationId::new(name).unwrap()
}

pub(crate) fn installation(number: u64) -> InstallationId {
    InstallationId::new(number).unwrap()
}

pub(crate) fn state(name: &str) -> StateDigest {
    StateDigest::of(name.as_bytes())
}

pub(crate) fn account(login: &str) -> Account {
    Account { id: AccountId::new(1_234).unwrap(), login: login.into(), kind: AccountKind::Organization }
}

/// An active installation on `acme-coffee`, verified at noon, registered two seconds later.
pub(crate) fn new_binding(organization_name: &str, number: u64, state_name: &str) -> NewBinding {
    NewBinding {
        organization: organization(organization_name),
        installation: installation(number),
        account: account("acme-coffee"),
        status: Status::Active,
        proof: Proof::Administered,
        proven_by: Some(AccountId::new(77).unwrap()),
        spent: state(state_name),
        last_verified_at: NOON,
        registered_at: seconds(2),
    }
}

pub(crate) fn present(status: Status, login: &str, verified_at: OffsetDateTime) -> Observation {
    Observation::Present { status, account: account(login), verified_at }
}

pub(crate) const fn gone(verified_at: OffsetDateTime) -> Observation {
    Observation::Uninstalled { verified_at }
}

/// Inserts where nothing stands in the way.
pub(crate) async fn bind(repo: &dyn BindingRepo, new: NewBinding) -> Binding {
    let insertion = repo.insert(new).await.unwrap();
    let Insertion::Inserted(binding) = insertion.clone() else { unreachable!("not inserted: {insertion:?}") };
    binding
}

pub(crate) async fn found(repo: &dyn BindingRepo, name: &str) -> Option<Binding> {
    repo.find(&organization(name)).await.unwrap()
}
