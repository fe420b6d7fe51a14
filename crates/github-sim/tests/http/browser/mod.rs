//! The pages and the OAuth web flow.

mod configure;
mod device;
mod install;
mod new_app;
mod oauth;
mod session;
mod settings;
