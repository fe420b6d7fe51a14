//! `dockline serve --forward-to`, with a product that verifies what it receives.

mod campaign;
mod commands;
mod figures;
mod flow;
mod missed;
pub(crate) mod product;
mod scene;
mod tenants;
mod trouble;
mod walkthrough;

pub(crate) use product::Product;
