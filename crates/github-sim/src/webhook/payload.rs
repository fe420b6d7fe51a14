//! Changes as GitHub's events, with whole payloads.

use serde_json::{Map, Value, json};
use time::macros::{format_description, offset};
use time::{OffsetDateTime, UtcOffset};

use super::Event;
use crate::clock::rfc3339;
use crate::json;
use crate::model::Model;
use crate::model::account::{Account, AccountKind};
use crate::model::app::App;
use crate::model::change::{Actor, Change, NamedRepository, Step};
use crate::model::hook::ContentType;
use crate::model::installation::Installation;
use crate::urls::Urls;

/// GitHub's payloads carry some local offset; this one is never that of the test's machine by accident.
const OFFSET: UtcOffset = offset!(-7);
const ZEN: &str = "Approachable is better than simple.";

/// The event of a change; none where GitHub keeps silent: a suspended installation's App is told of nothing but the suspension (GitHub fact 55).
pub(super) fn event(urls: &Urls, model: &Model, change: Change, old_shape: bool) -> Option<Event> {
    let scribe = Scribe { urls, model, old_shape };
    match change {
        Change::Installation { step, installation, sender } => {
            let silent = installation.suspension.is_some() && step != Step::Suspended;
            (!silent).then(|| scribe.installation(step, &installation, sender))
        }
        Change::RepositoriesAdded { installation, repositories, sender } => {
            let silent = installation.suspension.is_some();
            (!silent).then(|| scribe.repositories("added", &installation, (&repositories, &[]), sender))
        }
        Change::RepositoriesRemoved { installation, repositories, sender } => {
            let silent = installation.suspension.is_some();
            (!silent).then(|| scribe.repositories("removed", &installation, (&[], &repositories), sender))
        }
        Change::Renamed { installation, from, sender } => {
            let account =
                model.account(installation.account).filter(|_| installation.suspension.is_none())?;
            Some(scribe.renamed(&installation, account, &from, sender))
        }
        Change::AuthorizationRevoked { app_id, user } => {
            let payload = json!({ "action": "revoked", "sender": scribe.person(user) });
            let (name, action) = ("github_app_authorization", Some("revoked"));
            Some(Event { app_id, name, action, installation_id: None, payload })
        }
        Change::Ping { app_id } => model.app(app_id).map(|app| scribe.ping(app)),
    }
}

struct Scribe<'a> {
    urls: &'a Urls,
    model: &'a Model,
    old_shape: bool,
}

impl Scribe<'_> {
    fn installation(&self, step: Step, installation: &Installation, sender: Actor) -> Event {
        let action = match step {
            Step::Created => "created",
            Step::Deleted => "deleted",
            Step::Suspended => "suspend",
            Step::Unsuspended => "unsuspend",
            Step::PermissionsAccepted => "new_permissions_accepted",
        };
        let mut payload = Map::new();
        payload.insert("action".to_owned(), action.into());
        payload.insert("installation".to_owned(), self.installation_object(installation));
        // Absent in suspend and unsuspend (GitHub fact 53).
        let listed = !matches!(step, Step::Suspended | Step::Unsuspended) && !self.old_shape;
        if listed {
            let repositories = self.model.reached(installation);
            payload.insert("repositories".to_owned(), named(&repositories));
        }
        if step == Step::Created {
            payload.insert("requester".to_owned(), self.requester(installation));
        }
        payload.insert("sender".to_owned(), self.sender(installation.app_id, sender));
        Event {
            app_id: installation.app_id,
            name: "installation",
            action: Some(action),
            installation_id: Some(installation.id),
            payload: payload.into(),
        }
    }

    fn repositories(
        &self,
        action: &'static str,
        installation: &Installation,
        (added, removed): (&[NamedRepository], &[NamedRepository]),
        sender: Actor,
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
            name: "installation_repositories",
            action: Some(action),
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
            "installation": { "id": id, "node_id": json::node_id("IntegrationInstallation", id) },
        });
        if let (Some(sender), Some(members)) = (sender, payload.as_object_mut()) {
            members.insert("sender".to_owned(), self.person(sender));
        }
        Event {
            app_id: installation.app_id,
            name: "installation_target",
            action: Some("renamed"),
            installation_id: Some(id),
            payload,
        }
    }

    fn ping(&self, app: &App) -> Event {
        let hook = &app.hook;
        let content_type = match hook.content_type {
            ContentType::Json => "json",
            ContentType::Form => "form",
        };
        let payload = json!({
            "zen": ZEN,
            "hook_id": hook.id,
            "hook": {
                "type": "App",
                "id": hook.id,
                "name": "web",
                "active": hook.active,
                "events": app.events,
                "config": {
                    "content_type": content_type,
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
        Event { app_id: app.id, name: "ping", action: None, installation_id: None, payload }
    }

    /// As the REST API writes it, but for its dates (GitHub fact 54).
    fn installation_object(&self, installation: &Installation) -> Value {
        let mut object = json::installation(self.urls, self.model, installation);
        let Some(members) = object.as_object_mut() else { return object };
        for (name, at) in [("created_at", installation.created_at), ("updated_at", installation.updated_at)] {
            let date = if self.old_shape { at.unix_timestamp().into() } else { local(at).into() };
            members.insert(name.to_owned(), date);
        }
        if self.old_shape {
            for name in ["app_slug", "suspended_by", "suspended_at"] {
                members.remove(name);
            }
        }
        object
    }

    /// More of the account than elsewhere, and less of an enterprise.
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

    fn requester(&self, installation: &Installation) -> Value {
        installation.requester.map_or(Value::Null, |requester| self.person(requester))
    }

    fn sender(&self, app_id: u64, sender: Actor) -> Value {
        match sender {
            Actor::Person(id) => self.person(id),
            Actor::App => self.model.app(app_id).map_or(Value::Null, |app| json::bot(self.urls, app)),
        }
    }

    fn person(&self, id: u64) -> Value {
        self.model.account(id).map_or(Value::Null, |user| json::account(self.urls, user))
    }
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

/// With thousandths that are always 0, and an offset.
fn local(at: OffsetDateTime) -> String {
    let format = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].000[offset_hour sign:mandatory]:[offset_minute]"
    );
    at.to_offset(OFFSET).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::local;
    use time::macros::datetime;

    #[test]
    fn dates_carry_thousandths_and_an_offset() {
        assert_eq!(local(datetime!(2026-11-23 01:02:03.9 UTC)), "2026-11-22T18:02:03.000-07:00");
    }
}
