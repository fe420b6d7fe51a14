use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord, PortError};

use super::{Metered, measured};

const PORT: &str = "key_store";

#[async_trait]
impl<P: KeyStore> KeyStore for Metered<P> {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        measured(PORT, "find", self.0.find(id)).await
    }
}
