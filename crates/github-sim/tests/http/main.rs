//! The simulator over real HTTP, one module for each thing that it promises.

mod app_api;
mod control;
mod faults;
mod gate;
mod install_flow;
mod jwt;
mod oauth;
mod session;
mod support;
mod user_api;
