//! The HTTP contract, row by row, over real sockets against a simulated GitHub.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod adoption;
mod auth_failures;
mod browser;
mod budgets_everywhere;
mod callback;
mod claims;
mod confirmation;
mod denials;
mod detach;
mod documented;
mod faults;
mod fixture;
mod github_trouble;
mod http_rules;
mod in_process;
mod install_url;
mod installer;
mod keys_and_budgets;
mod large_deliveries;
mod life;
mod observe;
mod openapi;
mod operations;
mod queries;
mod registration;
mod repos;
mod request_body;
mod response;
mod sweep;
mod takeover;
mod tenant_selector;
mod tokens;
mod transport;
mod webhooks;
mod whoami;
