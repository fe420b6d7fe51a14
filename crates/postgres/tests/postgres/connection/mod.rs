//! Connections: TLS, poolers, failover, stalls and errors.

mod errors;
mod failover;
mod poolers;
mod round_trips;
mod stalls;
mod tls;
