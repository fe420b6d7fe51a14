//! The install page's markup, and what it offers to whom.

use axum::http::StatusCode;
use axum::response::Response;

use super::page::{escape, page};
use crate::model::Model;
use crate::model::account::Account;
use crate::model::app::App;
use crate::model::installation::Selection;

/// What a person can do about an App on an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Offer {
    /// Install it: they administer the account.
    Install,
    /// Ask the owners: they are only a member.
    Request,
    /// Change the installation that is there.
    Configure(u64),
    /// It is installed, and only owners may change it.
    Nothing,
}

impl Offer {
    pub(super) fn of(model: &Model, app_id: u64, user: u64, account: u64) -> Self {
        let installed = model.installation_on(app_id, account).map(|installation| installation.id);
        match (installed, model.administers(user, account)) {
            (None, true) => Self::Install,
            (None, false) => Self::Request,
            (Some(id), true) => Self::Configure(id),
            (Some(_), false) => Self::Nothing,
        }
    }

    /// What the form's button says to the server.
    pub(super) fn action(self) -> Option<&'static str> {
        match self {
            Self::Install => Some("install"),
            Self::Request => Some("request"),
            Self::Configure(_) => Some("save"),
            Self::Nothing => None,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Install => "Install",
            Self::Request => "Request",
            Self::Configure(_) => "Save",
            Self::Nothing => "",
        }
    }
}

/// Everything that the page shows.
pub(super) struct Form<'a> {
    pub(super) app: &'a App,
    /// Markup.
    pub(super) signed_in: String,
    pub(super) accounts: Vec<&'a Account>,
    /// The account chosen.
    pub(super) account: &'a Account,
    pub(super) offer: Offer,
    /// What is installed on the account chosen.
    pub(super) selection: Option<&'a Selection>,
    /// Who asked the owners.
    pub(super) asked_by: Option<&'a Account>,
    pub(super) state: Option<&'a str>,
}

impl Form<'_> {
    pub(super) fn page(&self, notice: Option<&str>) -> Response {
        let verb = match self.offer {
            Offer::Install | Offer::Request => "Install",
            Offer::Configure(_) | Offer::Nothing => "Configure",
        };
        let mut main = String::new();
        if let Some(notice) = notice {
            main += &format!("<p id=\"notice\" class=\"notice\" role=\"alert\">{}</p>\n", escape(notice));
        }
        main += &self.signed_in;
        main += &format!(
            "<form method=\"post\">\n{}{}{}{}</form>\n",
            self.accounts(),
            self.repositories(),
            self.hidden_state(),
            self.button(),
        );
        page(StatusCode::OK, &format!("{verb} {}", self.app.name), &main)
    }

    fn accounts(&self) -> String {
        let option = |account: &&Account| {
            let selected = if account.id == self.account.id { " selected" } else { "" };
            format!("<option value=\"{}\"{selected}>{}</option>\n", account.id, escape(&account.login))
        };
        let options: String = self.accounts.iter().map(option).collect();
        format!(
            "<p><label for=\"account\">Account</label>\n<select id=\"account\" name=\"account\">\n{options}</select>\n\
             <button id=\"account-select\" class=\"plain\" type=\"submit\" formmethod=\"get\">Choose</button></p>\n"
        )
    }

    fn repositories(&self) -> String {
        if self.offer == Offer::Nothing {
            return String::new();
        }
        let chosen = match self.selection {
            Some(Selection::Selected(ids)) => Some(ids),
            Some(Selection::All) | None => None,
        };
        let checked = |is: bool| if is { " checked" } else { "" };
        let boxes: String = self
            .account
            .repositories
            .iter()
            .map(|repository| {
                let id = repository.id;
                format!(
                    "<li><input type=\"checkbox\" id=\"repository-{id}\" name=\"repository\" value=\"{id}\"{}>\n\
                     <label for=\"repository-{id}\">{}{}</label></li>\n",
                    checked(chosen.is_some_and(|ids| ids.contains(&id))),
                    escape(&repository.name),
                    if repository.private { " (private)" } else { "" },
                )
            })
            .collect();
        format!(
            "<fieldset>\n<legend>Repositories of {}</legend>\n\
             <p><input type=\"radio\" id=\"all\" name=\"repository_selection\" value=\"all\"{}>\n\
             <label for=\"all\">All repositories</label></p>\n\
             <p><input type=\"radio\" id=\"selected\" name=\"repository_selection\" value=\"selected\"{}>\n\
             <label for=\"selected\">Only select repositories</label></p>\n<ul>\n{boxes}</ul>\n</fieldset>\n",
            escape(&self.account.login),
            checked(chosen.is_none()),
            checked(chosen.is_some()),
        )
    }

    /// Whatever came is shown to nobody, and goes on as it came.
    fn hidden_state(&self) -> String {
        let field = |state| format!("<input type=\"hidden\" name=\"state\" value=\"{}\">\n", escape(state));
        self.state.map(field).unwrap_or_default()
    }

    fn button(&self) -> String {
        let login = escape(&self.account.login);
        let explanation = match self.offer {
            Offer::Install => match self.asked_by {
                Some(requester) => format!("<strong>{}</strong> asked for this.", escape(&requester.login)),
                None => String::new(),
            },
            Offer::Request => {
                format!("You do not administer <strong>{login}</strong>: its owners will be asked.")
            }
            Offer::Configure(id) => format!("Installed on <strong>{login}</strong>, as number {id}."),
            Offer::Nothing => {
                format!("Installed on <strong>{login}</strong>; only its owners can change that.")
            }
        };
        let button = self.offer.action().map(|action| {
            let label = self.offer.label();
            format!("<button id=\"{action}\" type=\"submit\" name=\"action\" value=\"{action}\">{label}</button>\n")
        });
        format!("<p>{explanation}</p>\n{}", button.unwrap_or_default())
    }
}
