//! The events of changes, with payloads in GitHub's format.

use serde_json::{Map, Value, json};
use time::macros::{format_description, offset};
use time::{OffsetDateTime, UtcOffset};

use super::Event;
use crate::clock::rfc3339;
use crate::json;
use crate::model::Model;
use crate::model::account::{Account, AccountKind};
use crate::model::app::App;
use crate::model::change::{Change, InstallationAction, NamedRepository, Sender};
use crate::model::installation::Installation;
use crate::urls::Urls;

/// Dates in GitHub's payloads have a UTC offset. A fixed one makes tests independent of the machine.
const OFFSET: UtcOffset = offset!(-7);
const ZEN: &str = "Approachable is better than simple.";

/// Returns the event of a change. `None` if the installation is suspended: GitHub sends only the suspension itself then.
pub(super) fn event(urls: &Urls, model: &Model, change: Change) -> Option<Event> {
    let builder = PayloadBuilder { urls, model };
    match change {
        Change::Installation { action, installation, sender } => {
            let sent = installation.suspension.is_none() || action == InstallationAction::Suspended;
            sent.then(|| builder.installation(action, &installation, sender))
        }
        Change::RepositoriesAdded { installation, repositories, sender } => {
            let sent = installation.suspension.is_none();
            sent.then(|| builder.repositories("added", &installation, (&repositories, &[]), sender))
        }
        Change::RepositoriesRemoved { installation, repositories, sender } => {
            let sent = installation.suspension.is_none();
            sent.then(|| builder.repositories("removed", &installation, (&[], &repositories), sender))
        }
        Change::Renamed { installation, from, sender } => {
            let account =
                model.account(installation.account).filter(|_| installation.suspension.is_none())?;
            Some(builder.renamed(&installation, account, &from, sender))
        }
        Change::AuthorizationRevoked { app_id, user } => {
            let payload = json!({ "action": "revoked", "sender": builder.user(user) });
            let (name, action) = ("github_app_authorization".into(), Some("revoked".into()));
            Some(Event { app_id, name, action, installation_id: None, payload })
        }
        Change::Custom { installation, event, payload } => {
            let sent = installation.suspension.is_none();
            sent.then(|| custom(&installation, event, payload))
        }
        Change::Pushed { installation, repository, push, pusher } => {
            let sent = installation.suspension.is_none();
            sent.then(|| builder.push(&installation, &repository, &push, pusher)).flatten()
        }
        Change::Ping { app_id } => model.app(app_id).map(|app| builder.ping(app)),
    }
}

/// Builds payloads.
pub(super) struct PayloadBuilder<'a> {
    pub(super) urls: &'a Urls,
    pub(super) model: &'a Model,
}

impl PayloadBuilder<'_> {
    fn installation(&self, action: InstallationAction, installation: &Installation, sender: Sender) -> Event {
        use InstallationAction::{Created, Deleted, PermissionsAccepted, Suspended, Unsuspended};
        let name = match action {
            Created => "created",
            Deleted => "deleted",
            Suspended => "suspend",
            Unsuspended => "unsuspend",
            PermissionsAccepted => "new_permissions_accepted",
        };
        let mut payload = Map::new();
        payload.insert("action".to_owned(), name.into());
        payload.insert("installation".to_owned(), self.installation_object(installation));
        if matches!(action, Created | Deleted | PermissionsAccepted) {
            let repositories = self.model.named_repositories_of(installation);
            payload.insert("repositories".to_owned(), named(&repositories));
        }
        if action == Created {
            let requester = installation.requester.map(|requester| self.user(requester));
            payload.insert("requester".to_owned(), requester.into());
        }
        payload.insert("sender".to_owned(), self.sender(installation.app_id, sender));
        Event {
            app_id: installation.app_id,
            name: "installation".into(),
            action: Some(name.into()),
            installation_id: Some(installation.id),
            payload: payload.into(),
        }
    }

    fn repositories(
        &self,
        action: &'static str,
        installation: &Installation,
        (added, removed): (&[NamedRepository], &[NamedRepository]),
        sender: Sender,
    ) -> Event {
        let payload = json!({
            "action": action,
            "installation": self.installation_object(installation),
            "repository_selection": installation.selection.as_str(),
            "repositories_added": named(added),
            "repositories_removed": named(removed),
            "requester": null,
            "sender": self.sender(installation.app_id, sender),
        });
        Event {
            app_id: installation.app_id,
            name: "installation_repositories".into(),
            action: Some(action.into()),
            installation_id: Some(installation.id),
            payload,
        }
    }

    fn renamed(
        &self,
        installation: &Installation,
        account: &Account,
        from: &str,
        sender: Option<u64>,
    ) -> Event {
        let key = if account.kind == AccountKind::Enterprise { "slug" } else { "login" };
        let id = installation.id;
        let mut payload = json!({
            "action": "renamed",
            "account": self.target(account),
            "changes": { key: { "from": from } },
            "target_type": account.kind.as_str(),
            "installation": short_installation(id),
        });
        if let (Some(sender), Some(members)) = (sender, payload.as_object_mut()) {
            members.insert("sender".to_owned(), self.user(sender));
        }
        Event {
            app_id: installation.app_id,
            name: "installation_target".into(),
            action: Some("renamed".into()),
            installation_id: Some(id),
            payload,
        }
    }

    fn ping(&self, app: &App) -> Event {
        let hook = &app.hook;
        let payload = json!({
            "zen": ZEN,
            "hook_id": hook.id,
            "hook": {
                "type": "App",
                "id": hook.id,
                "name": "web",
                "active": true,
                "events": app.events,
                "config": {
                    "content_type": hook.content_type,
                    "insecure_ssl": "0",
                    "secret": "********",
                    "url": hook.url,
                },
                "updated_at": rfc3339(hook.updated_at),
                "created_at": rfc3339(hook.created_at),
                "app_id": app.id,
                "deliveries_url": format!("{}/app/hook/deliveries", self.urls.api),
            },
        });
        Event { app_id: app.id, name: "ping".into(), action: None, installation_id: None, payload }
    }

    /// Returns the REST API's object with the date format of webhooks.
    fn installation_object(&self, installation: &Installation) -> Value {
        let mut object = json::installation(self.urls, self.model, installation);
        let Some(members) = object.as_object_mut() else { return object };
        for (name, at) in [("created_at", installation.created_at), ("updated_at", installation.updated_at)] {
            members.insert(name.to_owned(), webhook_date(at).into());
        }
        object
    }

    /// Returns the account with the additional fields of `installation_target`.
    fn target(&self, account: &Account) -> Value {
        let mut target = json::account(self.urls, account);
        let Some(members) = target.as_object_mut() else { return target };
        let created = rfc3339(account.created_at);
        members.extend([
            ("created_at".to_owned(), Value::from(created.clone())),
            ("updated_at".to_owned(), created.into()),
            ("website_url".to_owned(), Value::Null),
        ]);
        match account.kind {
            AccountKind::Enterprise => {
                members.remove("description");
            }
            AccountKind::User | AccountKind::Organization => {
                let public = account.repositories.iter().filter(|repository| !repository.private).count();
                members.extend([
                    ("public_repos".to_owned(), public.into()),
                    ("public_gists".to_owned(), 0.into()),
                    ("followers".to_owned(), 0.into()),
                    ("following".to_owned(), 0.into()),
                ]);
            }
        }
        target
    }

    fn sender(&self, app_id: u64, sender: Sender) -> Value {
        match sender {
            Sender::User(id) => self.user(id),
            Sender::App => self.model.app(app_id).map_or(Value::Null, |app| json::bot(self.urls, app)),
        }
    }

    pub(super) fn user(&self, id: u64) -> Value {
        self.model.account(id).map_or(Value::Null, |user| json::account(self.urls, user))
    }
}

/// Returns the event of a payload that a test or a user of the simulator wrote.
fn custom(installation: &Installation, event: String, mut payload: Map<String, Value>) -> Event {
    let action = payload.get("action").and_then(Value::as_str).map(|action| action.to_owned().into());
    payload.insert("installation".to_owned(), short_installation(installation.id));
    Event {
        app_id: installation.app_id,
        name: event.into(),
        action,
        installation_id: Some(installation.id),
        payload: payload.into(),
    }
}

/// Returns an installation as in events about something else.
pub(super) fn short_installation(id: u64) -> Value {
    json!({ "id": id, "node_id": json::node_id("IntegrationInstallation", id) })
}

fn named(repositories: &[NamedRepository]) -> Value {
    let named = repositories.iter().map(|NamedRepository { repository, full_name }| {
        json!({
            "id": repository.id,
            "node_id": json::node_id("Repository", repository.id),
            "name": repository.name,
            "full_name": full_name,
            "private": repository.private,
        })
    });
    named.collect()
}

/// Formats a date as in webhooks: milliseconds, always 0, and a UTC offset.
fn webhook_date(at: OffsetDateTime) -> String {
    let format = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].000[offset_hour sign:mandatory]:[offset_minute]"
    );
    at.to_offset(OFFSET).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::webhook_date;
    use time::macros::datetime;

    #[test]
    fn webhook_dates_have_milliseconds_and_an_offset() {
        assert_eq!(webhook_date(datetime!(2026-11-23 01:02:03.9 UTC)), "2026-11-22T18:02:03.000-07:00");
    }
}
