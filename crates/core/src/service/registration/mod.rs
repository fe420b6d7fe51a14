//! Creates, reads and ends the binding of an organization.

mod detach;
mod import;
mod register;

use crate::error::PortError;
use crate::model::{Binding, Caller, OrganizationId};
use crate::ports::ReadBinding;
use crate::service::Dockline;

pub use detach::Uninstall;
pub use import::{ImportMode, ImportOutcome, ImportRefusal, ImportRow};

impl Dockline {
    /// Returns the stored binding of the caller's organization, also if the installation was uninstalled or GitHub
    /// does not show it; `None` if there is none. Makes no call to GitHub, so it works while GitHub is down.
    ///
    /// # Errors
    /// Infrastructure failures only.
    pub async fn binding(&self, caller: &Caller) -> Result<Option<Binding>, PortError> {
        self.0.ports.bindings.find(&caller.organization).await
    }

    /// [`Dockline::binding`] for a request that was authenticated with
    /// [`Authenticated::binding`](crate::Authenticated::binding), which is not read again. A binding of another organization
    /// than the caller's is ignored.
    ///
    /// # Errors
    /// Infrastructure failures only.
    pub async fn binding_with(
        &self,
        caller: &Caller,
        binding: Option<ReadBinding>,
    ) -> Result<Option<Binding>, PortError> {
        self.bound(&caller.organization, binding).await
    }

    /// Returns the binding that was read before, if it is the organization's, and otherwise reads it.
    async fn bound(
        &self,
        organization: &OrganizationId,
        read: Option<ReadBinding>,
    ) -> Result<Option<Binding>, PortError> {
        match read {
            Some(read) if read.organization == *organization => Ok(read.binding),
            Some(_) | None => self.0.ports.bindings.find(organization).await,
        }
    }
}
