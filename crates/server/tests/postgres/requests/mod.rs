//! Requests of clients to running nodes.

mod budgets;
mod canary;
mod limits;
mod meter;
mod overload;
mod statements;
