//! `contract.md`, row by row, over real sockets against a simulated GitHub.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod adoption;
mod answer;
mod browser;
mod budgets_everywhere;
mod callback;
mod claims;
mod confirmation;
mod detach;
mod documented;
mod faults;
mod github_trouble;
mod guessing;
mod http_rules;
mod inside;
mod install_url;
mod installer;
mod keys_and_budgets;
mod life;
mod observe;
mod openapi;
mod operations;
mod registration;
mod repos;
mod request_body;
mod sweep;
mod tokens;
mod webhooks;
mod whoami;
mod world;
