//! Environments for tests.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::net::{Ipv4Addr, SocketAddr};

use dockline::ClaimPolicy;
use dockline_demo::environment::Environment;

/// Starts a demo on free ports.
pub(crate) async fn start(policy: ClaimPolicy) -> Environment {
    let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Environment::start(free_port, free_port, policy).await.unwrap()
}
