//! Creates, reads and ends the binding of an organization.

mod detach;
mod import;
mod register;

use crate::error::PortError;
use crate::model::{Binding, Caller};
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
        self.ports.bindings.find(&caller.organization).await
    }
}
