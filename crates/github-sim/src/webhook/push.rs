//! The `push` event.

use serde_json::{Value, json};

use super::Event;
use super::payload::{PayloadBuilder, short_installation};
use crate::api::webhook_repository;
use crate::json;
use crate::model::account::AccountKind;
use crate::model::installation::Installation;
use crate::model::push::{Commit, Person, Push, Pusher};
use crate::model::repository::Repository;

/// The id of no commit.
const NONE: &str = "0000000000000000000000000000000000000000";

impl PayloadBuilder<'_> {
    pub(super) fn push(
        &self,
        installation: &Installation,
        repository: &Repository,
        push: &Push,
        pusher: Pusher,
    ) -> Option<Event> {
        let Self { urls, model } = self;
        let owner = model.account(installation.account)?;
        let url = format!("{}/{}/{}", urls.web, owner.login, repository.name);
        let commit = |commit: &Commit| commit_object(&url, commit);
        let (id, name, sender) = match pusher {
            Pusher::User(id) => (id, model.account(id)?.login.clone(), self.user(id)),
            Pusher::App(id) => {
                let app = model.app(id)?;
                (id, format!("{}[bot]", app.slug), json::bot(urls, app))
            }
        };
        let mut payload = json!({
            "ref": push.name,
            "before": push.before.as_deref().unwrap_or(NONE),
            "after": push.after.as_deref().unwrap_or(NONE),
            "repository": webhook_repository(urls, owner, repository),
            "pusher": { "name": name, "email": format!("{id}+{name}@users.noreply.github.com") },
            "sender": sender,
            "installation": short_installation(installation.id),
            "created": push.before.is_none(),
            "deleted": push.after.is_none(),
            "forced": push.forced,
            "base_ref": null,
            "compare": compare(&url, push),
            "commits": push.commits.iter().map(commit).collect::<Value>(),
            "head_commit": push.head.as_ref().map(commit),
        });
        if let Some(members) = payload.as_object_mut().filter(|_| owner.kind == AccountKind::Organization) {
            members.insert("organization".to_owned(), json::organization_simple(urls, owner));
        }
        Some(Event {
            app_id: installation.app_id,
            name: "push".into(),
            action: None,
            installation_id: Some(installation.id),
            payload,
        })
    }
}

/// Returns the page that shows the push.
fn compare(url: &str, push: &Push) -> String {
    let short = |id: &str| id.get(..12).unwrap_or_default().to_owned();
    match (&push.before, &push.after) {
        (Some(before), Some(after)) => format!("{url}/compare/{}...{}", short(before), short(after)),
        (None, Some(after)) => format!("{url}/commit/{}", short(after)),
        (Some(before), None) => format!("{url}/compare/{}...{}", short(before), short(NONE)),
        (None, None) => url.to_owned(),
    }
}

fn commit_object(url: &str, commit: &Commit) -> Value {
    let person = |Person { name, email }: &Person| json!({ "name": name, "email": email });
    json!({
        "id": commit.id,
        "tree_id": commit.tree,
        "distinct": true,
        "message": commit.message,
        "timestamp": commit.at,
        "url": format!("{url}/commit/{}", commit.id),
        "author": person(&commit.author),
        "committer": person(&commit.committer),
        "added": commit.added,
        "modified": commit.modified,
        "removed": commit.removed,
    })
}
