//! From the install link to the confirmed claim.

mod callback;
mod choice;
mod confirmation;
mod installer;
mod membership;
mod refusals;
mod repeats;
mod start_install;
mod web_flow;
