//! The pages of the callback: the question, the choice of an installation, and the refusal.

mod plain;
mod refusal_text;

use std::fmt::Debug;

use dockline::{Account, Actor, InstallationOption, OrganizationId, OrganizationName, WaysOut};

use crate::wire::ApiErrorCode;

pub use plain::PlainPages;
pub use refusal_text::refusal_message;

/// The content of the confirmation page: "Connect `account` on GitHub to `organization_name`?"
///
/// Show the organization's name and id, the actor and the host that the browser returns to: they are how a visitor
/// recognizes a stranger's link. Let the buttons take no pointer for the first second, so that a click that was meant for
/// another page does not confirm.
#[derive(Debug)]
pub struct Confirmation<'a> {
    /// The account to connect.
    pub account: &'a Account,
    /// The organization to connect it to.
    pub organization_name: &'a OrganizationName,
    /// The id of that organization.
    pub organization: &'a OrganizationId,
    /// The person or machine that requested the install link.
    pub actor: &'a Actor,
    /// The host of the return URL, which no caller can choose freely.
    pub return_host: &'a str,
    /// The form's field `state`.
    pub state: &'a str,
    /// The form's field `ticket`.
    pub ticket: &'a str,
}

/// The content of the page on which a visitor chooses an installation.
#[derive(Debug)]
pub struct Choice<'a> {
    /// The organization to connect it to.
    pub organization_name: &'a OrganizationName,
    /// The id of that organization.
    pub organization: &'a OrganizationId,
    /// The installations; empty if the visitor sees none. Link each to `callback?<query>`, relative to the page.
    pub options: &'a [InstallationOption],
    /// GitHub's page that installs the App on another account.
    pub install_url: &'a str,
    /// Other links of the page.
    pub ways_out: &'a WaysOut,
}

/// The content of the refusal page.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// The code of the JSON error.
    pub code: ApiErrorCode,
    /// The reason and what to do.
    pub message: &'a str,
    /// The links of the page. Link the queries to `callback?<query>`, relative to the page.
    pub ways_out: &'a WaysOut,
}

/// The pages of the callback.
///
/// Escape the arguments. The Content-Security-Policy forbids scripts and framing, and allows forms only to this callback and,
/// by redirect, to the return URL.
pub trait Pages: Debug + Send + Sync + 'static {
    /// Returns a page with a form that posts `state`, `ticket` and `answer` (`confirm` or `cancel`) to `callback`, relative
    /// to the page.
    fn confirmation(&self, confirmation: &Confirmation<'_>) -> String;

    /// Returns a page with a link per installation, or with GitHub's install link if there is none.
    fn choice(&self, choice: &Choice<'_>) -> String;

    /// Returns a page that names the reason of the refusal and what to do.
    fn refusal(&self, refusal: &Refusal<'_>) -> String;

    /// Returns further directives of the pages' Content-Security-Policy, such as `style-src 'self'`. Empty if the pages
    /// load nothing.
    fn content_sources(&self) -> &str;
}
