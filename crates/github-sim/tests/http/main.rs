//! The simulator over real HTTP, one module for each thing that it promises.

mod app_api;
mod support;
