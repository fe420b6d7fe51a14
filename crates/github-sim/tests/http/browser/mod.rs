//! The pages and the OAuth web flow.

mod configure;
mod device;
mod install;
mod oauth;
mod session;
mod settings;
