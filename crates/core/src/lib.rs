#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cache;
pub mod error;
pub mod model;
pub mod ports;
pub mod rules;
pub mod service;
pub mod transfer;

pub use error::*;
pub use model::*;
pub use rules::delivery::WebhookEvent;
pub use rules::register::Registered;
pub use rules::repositories::{RepositoriesPage, RepositoriesQuery, RepositoryCursor};
pub use rules::request::RegistrationRequest;
pub use secrecy::{ExposeSecret, SecretString};
pub use service::*;
