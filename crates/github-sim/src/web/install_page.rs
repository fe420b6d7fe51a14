//! The install page, and what a user can do there.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::page::page;
use crate::model::Model;
use crate::model::account::Account;
use crate::model::app::App;
use crate::model::installation::RepositorySelection;

/// The actions of a user with an App on an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AccountAction {
    /// Install it, as an owner.
    Install,
    /// Request it from the owners, as a member.
    Request,
    /// Change the installation, as an owner.
    Configure(u64),
    /// Nothing: it is installed, and only owners can change it.
    Nothing,
}

impl AccountAction {
    pub(super) fn of(model: &Model, app_id: u64, user: u64, account: u64) -> Self {
        let installed = model.installation_on(app_id, account).map(|installation| installation.id);
        match (installed, model.administers(user, account)) {
            (None, true) => Self::Install,
            (None, false) => Self::Request,
            (Some(id), true) => Self::Configure(id),
            (Some(_), false) => Self::Nothing,
        }
    }

    /// Returns the value and the label of the form's button.
    fn button(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Install => Some(("install", "Install")),
            Self::Request => Some(("request", "Request")),
            Self::Configure(_) => Some(("save", "Save")),
            Self::Nothing => None,
        }
    }

    /// Returns the parameter `action` that the button sends.
    pub(super) fn value(self) -> Option<&'static str> {
        self.button().map(|(value, _)| value)
    }
}

pub(super) struct InstallPage<'a> {
    pub(super) app: &'a App,
    pub(super) signed_in: Markup,
    /// The accounts to choose from.
    pub(super) accounts: Vec<&'a Account>,
    /// The chosen account.
    pub(super) account: &'a Account,
    pub(super) action: AccountAction,
    /// The selection of the installation on the chosen account.
    pub(super) selection: Option<&'a RepositorySelection>,
    /// The member who requested the App for the chosen account.
    pub(super) requester: Option<&'a Account>,
    pub(super) state: Option<&'a str>,
}

impl InstallPage<'_> {
    pub(super) fn response(&self, notice: Option<&str>) -> Response {
        let verb = match self.action {
            AccountAction::Install | AccountAction::Request => "Install",
            AccountAction::Configure(_) | AccountAction::Nothing => "Configure",
        };
        let main = html! {
            @if let Some(notice) = notice {
                p #notice .notice role="alert" { (notice) }
            }
            (self.signed_in)
            form method="post" {
                (self.accounts())
                @if self.action != AccountAction::Nothing { (self.repositories()) }
                @if let Some(state) = self.state { input type="hidden" name="state" value=(state); }
                p { (self.explanation()) }
                @if let Some((value, label)) = self.action.button() {
                    button id=(value) type="submit" name="action" value=(value) { (label) }
                }
            }
        };
        page(StatusCode::OK, &format!("{verb} {}", self.app.name), main)
    }

    fn accounts(&self) -> Markup {
        html! {
            p {
                label for="account" { "Account" } " "
                select #account name="account" {
                    @for account in &self.accounts {
                        option value=(account.id) selected[account.id == self.account.id] { (account.login) }
                    }
                } " "
                button #account-select .plain type="submit" formmethod="get" { "Choose" }
            }
        }
    }

    fn repositories(&self) -> Markup {
        let selected = match self.selection {
            Some(RepositorySelection::Selected(ids)) => Some(ids),
            Some(RepositorySelection::All) | None => None,
        };
        html! {
            fieldset {
                legend { "Repositories of " (self.account.login) }
                p {
                    input type="radio" #all name="repository_selection" value="all" checked[selected.is_none()];
                    " " label for="all" { "All repositories" }
                }
                p {
                    input type="radio" #selected name="repository_selection" value="selected" checked[selected.is_some()];
                    " " label for="selected" { "Only select repositories" }
                }
                ul {
                    @for repository in &self.account.repositories {
                        @let id = format!("repository-{}", repository.id);
                        li {
                            input type="checkbox" id=(id) name="repository" value=(repository.id)
                                checked[selected.is_some_and(|ids| ids.contains(&repository.id))];
                            " " label for=(id) { (repository.name) @if repository.private { " (private)" } }
                        }
                    }
                }
            }
        }
    }

    fn explanation(&self) -> Markup {
        let login = html! { strong { (self.account.login) } };
        match (self.action, self.requester) {
            (AccountAction::Install, Some(requester)) => {
                html! { strong { (requester.login) } " requested this App." }
            }
            (AccountAction::Install, None) => html! {},
            (AccountAction::Request, _) => {
                html! { "You do not administer " (login) ". The request goes to its owners." }
            }
            (AccountAction::Configure(id), _) => {
                html! { "Installed on " (login) " as installation " (id) "." }
            }
            (AccountAction::Nothing, _) => {
                html! { "Installed on " (login) ". Only its owners can change it." }
            }
        }
    }
}
