use crate::error::PortError;
use crate::model::{Binding, Caller};
use crate::service::Dockline;

impl Dockline {
    /// The caller's binding as it stands, also where it was uninstalled; `None` where nothing is bound. Does not ask
    /// GitHub, so it works while GitHub is down (invariant I24).
    ///
    /// # Errors
    /// Infrastructure only.
    pub async fn binding(&self, caller: &Caller) -> Result<Option<Binding>, PortError> {
        self.ports.bindings.find(&caller.organization).await
    }
}
