use deadpool_postgres::{ClientWrapper, Object, Pool, PoolError};

use crate::failure::Failure;

/// A connection on loan from the pool. Dropped on any way but [`Lease::give_back`], it is closed and the pool opens
/// another when it needs one: after a deadline or a cancelled call nobody knows what the connection is still busy with.
pub(crate) struct Lease(Option<Object>);

impl Lease {
    pub(crate) async fn of(pool: &Pool) -> Result<Self, Failure> {
        Ok(Self(Some(pool.get().await.map_err(Failure::Pool)?)))
    }

    pub(crate) fn client(&self) -> Result<&ClientWrapper, Failure> {
        // There is one until the lease ends, which takes the lease itself.
        self.0.as_deref().ok_or(Failure::Pool(PoolError::Closed))
    }

    pub(crate) fn client_mut(&mut self) -> Result<&mut ClientWrapper, Failure> {
        self.0.as_deref_mut().ok_or(Failure::Pool(PoolError::Closed))
    }

    pub(crate) fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}
