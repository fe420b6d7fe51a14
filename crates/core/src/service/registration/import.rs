use crate::error::{EntropyFailed, PortError, PortErrorKind, PortName};
use crate::model::{
    Account, AccountId, Actor, Binding, DenialCause, InstallationId, InstalledOn, NewBinding, OrganizationId,
    Proof, StateDigest,
};
use crate::ports::{Event, InsertOutcome, LookupOutcome};
use crate::rules::life;
use crate::service::Dockline;

/// A binding that the operator vouches for, such as one of the system that Dockline replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// The organization.
    pub organization: OrganizationId,
    /// The installation.
    pub installation: InstallationId,
    /// GitHub's id of the account that the installation must be on.
    pub account: AccountId,
    /// The login that the account must have; `None` to accept any, since logins change.
    pub login: Option<String>,
}

/// The outcome of [`Dockline::import`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The binding was made; in a dry run, it would be made now.
    Imported(Account),
    /// The organization is bound to this installation on this account. Nothing changed.
    Unchanged,
    /// The binding cannot be made. Nothing changed.
    Refused(ImportRefusal),
}

/// Why a binding is not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportRefusal {
    /// The organization is bound to another installation.
    #[error("the organization is bound to installation {0}; detach it first")]
    OrganizationBound(InstallationId),
    /// Another organization is bound to the installation.
    #[error("another organization is bound to the installation")]
    InstallationTaken,
    /// The organization is bound to the installation, but on another account than the row names.
    #[error("the organization is bound to the installation on account {0}; correct the account of the row")]
    BoundOnAnotherAccount(AccountId),
    /// GitHub does not show the installation to this App.
    #[error("GitHub does not show the installation to this App")]
    NotFound,
    /// The installation was uninstalled, or is ending.
    #[error("the installation was uninstalled")]
    Gone,
    /// GitHub denies the App the installation.
    #[error("GitHub denies the App the installation: {0}")]
    Denied(DenialCause),
    /// The installation is another App's.
    #[error("the installation is another App's")]
    AnotherApp,
    /// The installation is not on a user or organization.
    #[error("the installation is not on a user or organization")]
    UnbindableAccount,
    /// The installation is on another account.
    #[error("the installation is on account {id} ({login}); correct the account of the row", id = .0.id, login = .0.login)]
    AnotherAccount(Account),
    /// The account has another login.
    #[error("the account's login is {0}; correct the login of the row, or leave it out")]
    AnotherLogin(String),
}

impl ImportRefusal {
    /// Returns the stable name of the reason.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::OrganizationBound(_) => "organization_bound",
            Self::InstallationTaken => "installation_taken",
            Self::BoundOnAnotherAccount(_) => "bound_on_another_account",
            Self::NotFound => "not_found",
            Self::Gone => "gone",
            Self::Denied(_) => "denied",
            Self::AnotherApp => "another_app",
            Self::UnbindableAccount => "unbindable_account",
            Self::AnotherAccount(_) => "another_account",
            Self::AnotherLogin(_) => "another_login",
        }
    }
}

/// Whether an import writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// Only checks the row.
    DryRun,
    /// Makes the binding.
    Apply,
}

impl Dockline {
    /// Binds an installation to an organization without a visitor, on the operator's responsibility. The proof
    /// ([`Proof::Imported`]) satisfies every policy: **a caller of this can bind any installation of the App to any
    /// organization.** GitHub must show the installation to this App, on the account of the row. Never moves or
    /// replaces a binding, so it can be repeated.
    ///
    /// # Errors
    /// Infrastructure failures only. Nothing was written, or the binding; the same call may be repeated.
    pub async fn import(
        &self,
        row: &ImportRow,
        actor: &Actor,
        mode: ImportMode,
    ) -> Result<ImportOutcome, PortError> {
        let bindings = &self.0.ports.bindings;
        if let Some(bound) = bindings.find(&row.organization).await? {
            return Ok(compare(row, &bound));
        }
        let known = bindings.installation(row.installation).await?;
        if let Some(known) = &known {
            if known.organization.is_some() {
                return Ok(ImportOutcome::Refused(ImportRefusal::InstallationTaken));
            }
            let presence = known.life.presence;
            if presence.is_final() || life::is_ending(presence, self.now()) {
                return Ok(ImportOutcome::Refused(ImportRefusal::Gone));
            }
        }
        let found = match self.0.ports.github.installation(row.installation).await? {
            LookupOutcome::Found(found) => found,
            LookupOutcome::Missing => return Ok(ImportOutcome::Refused(ImportRefusal::NotFound)),
            LookupOutcome::Denied(cause) => {
                return Ok(ImportOutcome::Refused(ImportRefusal::Denied(cause)));
            }
        };
        let last_verified_at = self.now();
        if found.app != self.0.ports.github.registration().app {
            return Ok(ImportOutcome::Refused(ImportRefusal::AnotherApp));
        }
        let status = found.status();
        let InstalledOn::Account(account) = found.installed_on else {
            return Ok(ImportOutcome::Refused(ImportRefusal::UnbindableAccount));
        };
        if account.id != row.account {
            return Ok(ImportOutcome::Refused(ImportRefusal::AnotherAccount(account)));
        }
        if row.login.as_ref().is_some_and(|login| !login.eq_ignore_ascii_case(&account.login)) {
            return Ok(ImportOutcome::Refused(ImportRefusal::AnotherLogin(account.login)));
        }
        if mode == ImportMode::DryRun {
            return Ok(ImportOutcome::Imported(account));
        }
        let outcome = bindings
            .insert(NewBinding {
                organization: row.organization.clone(),
                installation: row.installation,
                account: account.clone(),
                status,
                proof: Proof::Imported,
                proven_by: None,
                actor: actor.clone(),
                spent: self.unused_state()?,
                last_verified_at,
                next_look_at: last_verified_at.saturating_add(self.0.look_interval),
                registered_at: self.now(),
                facts: self.facts_of_binding(found.facts),
            })
            .await?;
        Ok(match outcome {
            InsertOutcome::Inserted(binding) => {
                self.record(&Event::Registered {
                    organization: binding.organization,
                    actor: actor.clone(),
                    installation: binding.installation,
                    proof: binding.proof,
                });
                ImportOutcome::Imported(account)
            }
            InsertOutcome::Occupied(bound) => compare(row, &bound),
            InsertOutcome::Taken => ImportOutcome::Refused(ImportRefusal::InstallationTaken),
            // A new digest is not spent, so only an end in the meantime remains.
            InsertOutcome::Gone | InsertOutcome::Spent => ImportOutcome::Refused(ImportRefusal::Gone),
        })
    }

    /// Returns the digest of a state that was never issued, since a binding uses up a state.
    fn unused_state(&self) -> Result<StateDigest, PortError> {
        let mut bytes = [0_u8; 32];
        let failed =
            |error: EntropyFailed| PortError::new(PortName::Entropy, PortErrorKind::Unexpected, error);
        self.0.entropy.fill(&mut bytes).map_err(failed)?;
        Ok(StateDigest::from_bytes(bytes))
    }
}

fn compare(row: &ImportRow, bound: &Binding) -> ImportOutcome {
    if bound.installation != row.installation {
        ImportOutcome::Refused(ImportRefusal::OrganizationBound(bound.installation))
    } else if bound.account.id != row.account {
        ImportOutcome::Refused(ImportRefusal::BoundOnAnotherAccount(bound.account.id))
    } else {
        ImportOutcome::Unchanged
    }
}
