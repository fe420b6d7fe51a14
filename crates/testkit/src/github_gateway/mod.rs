//! What a [`GithubGateway`] promises.
use std::fmt::Debug;
/// Driver.
pub trait GatewayDriver: Debug + Send + Sync + 'static {}
