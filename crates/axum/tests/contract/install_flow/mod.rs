//! The browser flow: the install link, the callback, the confirmation and who may claim an installation.

mod adoption;
mod callback;
mod claims;
mod confirmation;
mod denials;
mod install_url;
mod installer;
mod repeats;
mod takeover;
