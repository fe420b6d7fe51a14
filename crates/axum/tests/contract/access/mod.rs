//! Keys, budgets, and the organization that a caller acts for.

mod auth_failures;
mod budgets_everywhere;
mod keys_and_budgets;
mod limited_lookups;
mod mismatch;
mod overload;
mod tenant_selector;
mod whoami;
