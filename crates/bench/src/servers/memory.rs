//! The API on memory adapters.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use dockline_axum::RouterOptions;
use dockline_bench::dockline_on_memory;
use dockline_listener::Listener;
use tokio::net::TcpListener;

use super::{Server, THIS_PROGRAM};
use crate::Result;

/// The tenants with a binding.
pub(crate) const TENANTS: u64 = 1_000;

/// The static route: it passes the listener, the router and the middleware as a registration does, and answers constant JSON.
pub(crate) const STATIC_ROUTE: &str = "/healthz";

/// Starts this program as the server.
pub(crate) fn start(folder: &Path) -> Result<Server> {
    let mut command = Command::new(THIS_PROGRAM);
    command.arg("memory");
    Server::start(command, &folder.join("memory.log"))
}

/// Serves until it is killed.
pub(crate) fn serve() -> Result<()> {
    // As `dockline serve`: one thread per core.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (dockline, _) = dockline_on_memory(TENANTS).await?;
        let router = dockline_axum::router(dockline, RouterOptions::default())?;
        let tcp = TcpListener::bind("127.0.0.1:0").await?;
        println!(r#"{{"api":"http://{}"}}"#, tcp.local_addr()?);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        Listener::new(tcp).serve(service, std::future::pending()).await;
        Ok(())
    })
}
