//! The connection to GitHub: failures, limits, proxy, TLS.

mod failures;
mod observer;
mod pause;
mod proxy;
mod rate_budget;
mod remedies;
mod tls;
