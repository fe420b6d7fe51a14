//! `dockline serve --forward-to`, with a product that verifies what it receives.

mod commands;
mod flow;
mod product;
mod trouble;

pub(crate) use product::Product;
