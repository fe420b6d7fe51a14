use dockline::ports::SeededEntropy;
use dockline::{
    Account, AccountId, AccountKind, ApiKey, KeyEnvironment, KeyRecord, OrganizationId, Scope, SecretDigest,
    Tier,
};

use crate::Error;

/// An organization of the load. Its key, state and installation follow from its number, so that loader and load generator
/// agree without a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenant(pub u64);

impl Tenant {
    /// Returns a tier that limits no load.
    #[must_use]
    pub const fn tier() -> Tier {
        Tier {
            name: std::borrow::Cow::Borrowed("bench"),
            reads_per_minute: u32::MAX,
            writes_per_minute: u32::MAX,
            writes_per_day: u32::MAX,
        }
    }

    /// Returns the organization's id.
    #[must_use]
    pub fn organization(self) -> String {
        format!("bench-{}", self.0)
    }

    /// Returns GitHub's number of the installation.
    #[must_use]
    pub const fn installation(self) -> u64 {
        1_000_000 + self.0
    }

    /// Returns the account of the installation. The fake GitHub reports the same.
    ///
    /// # Errors
    /// If the number is out of range.
    pub fn account(self) -> Result<Account, Error> {
        let id = AccountId::new(self.installation())?;
        Ok(Account { id, login: format!("account-{id}"), kind: AccountKind::Organization })
    }

    /// Returns the state that the organization redeems.
    #[must_use]
    pub fn state(self) -> String {
        format!("bench-state-{:012}", self.0)
    }

    /// Returns the digest of the state.
    #[must_use]
    pub fn state_digest(self) -> SecretDigest {
        SecretDigest::of(self.state().as_bytes())
    }

    /// Returns the API key.
    ///
    /// # Errors
    /// Never in practice: the entropy is computed.
    pub fn key(self) -> Result<ApiKey, Error> {
        Ok(ApiKey::mint(KeyEnvironment::Live, &SeededEntropy::new(self.0))?)
    }

    /// Returns the API key as a key store holds it.
    ///
    /// # Errors
    /// As [`Self::key`].
    pub fn key_record(self) -> Result<KeyRecord, Error> {
        let key = self.key()?;
        Ok(KeyRecord {
            id: key.id().clone(),
            environment: key.environment(),
            secret_hash: key.secret_hash(),
            organization: OrganizationId::new(self.organization())?,
            organization_name: "Bench".parse()?,
            scopes: vec![Scope::GithubAdmin],
            tier: Self::tier(),
            return_hosts: Vec::new(),
            revoked_at: None,
            expires_at: None,
        })
    }

    /// Returns the body of the registration.
    #[must_use]
    pub fn body(self) -> String {
        format!(r#"{{"installationId":{},"state":"{}"}}"#, self.installation(), self.state())
    }
}

#[cfg(test)]
mod tests {
    use dockline::RegistrationRequest;

    use super::*;

    #[test]
    fn body_is_a_valid_registration_of_the_tenants_installation_and_state() {
        for number in [0, 7, 100_000_000] {
            let tenant = Tenant(number);
            let request = RegistrationRequest::parse(tenant.body().as_bytes()).unwrap();
            assert_eq!(request.installation.get(), tenant.installation());
            assert_eq!(request.state.digest(), tenant.state_digest());
        }
    }

    #[test]
    fn a_tenant_has_one_key_and_others_have_others() {
        let (first, again, other) =
            (Tenant(1).key().unwrap(), Tenant(1).key().unwrap(), Tenant(2).key().unwrap());
        assert_eq!(first.id(), again.id());
        assert_eq!(first.secret_hash(), again.secret_hash());
        assert_ne!(first.id(), other.id());
        assert_eq!(Tenant(1).key_record().unwrap().secret_hash, first.secret_hash());
    }
}
