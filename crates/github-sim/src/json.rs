//! The REST API's JSON of accounts, Apps and installations, which webhooks use too.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::model::Model;
use crate::model::account::{Account, AccountKind, Membership};
use crate::model::app::App;
use crate::model::grant::{Grant, hash_secret};
use crate::model::hook::Hook;
use crate::model::installation::{Installation, InstallationRequest};
use crate::urls::Urls;

pub(crate) fn node_id(kind: &str, id: u64) -> String {
    BASE64.encode(format!("{:03}:{kind}{id}", kind.len()).as_bytes())
}

/// Returns an account. An enterprise has no login.
pub(crate) fn account(urls: &Urls, account: &Account) -> Value {
    match account.kind {
        AccountKind::User | AccountKind::Organization => simple_user(urls, account),
        AccountKind::Enterprise => enterprise(urls, account),
    }
}

fn simple_user(Urls { web, api }: &Urls, account: &Account) -> Value {
    let Account { id, login, .. } = account;
    let user = format!("{api}/users/{login}");
    json!({
        "login": login,
        "id": id,
        "node_id": node_id(account.kind.as_str(), *id),
        "avatar_url": format!("{web}/avatars/u/{id}"),
        "gravatar_id": "",
        "url": user,
        "html_url": format!("{web}/{login}"),
        "followers_url": format!("{user}/followers"),
        "following_url": format!("{user}/following{{/other_user}}"),
        "gists_url": format!("{user}/gists{{/gist_id}}"),
        "starred_url": format!("{user}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{user}/subscriptions"),
        "organizations_url": format!("{user}/orgs"),
        "repos_url": format!("{user}/repos"),
        "events_url": format!("{user}/events{{/privacy}}"),
        "received_events_url": format!("{user}/received_events"),
        "type": account.kind.as_str(),
        "user_view_type": "public",
        "site_admin": false,
    })
}

/// Returns the bot account of an App.
pub(crate) fn bot(urls: &Urls, app: &App) -> Value {
    let login = format!("{}[bot]", app.slug);
    // The brackets of the login are percent-encoded in URLs.
    let account = Account {
        id: 90_000_000_000 + app.id,
        kind: AccountKind::User,
        login: format!("{}%5Bbot%5D", app.slug),
        repositories: Vec::new(),
        collaborators: std::collections::BTreeSet::new(),
        created_at: app.created_at,
    };
    let mut bot = simple_user(urls, &account);
    if let Some(members) = bot.as_object_mut() {
        members.extend([
            ("login".to_owned(), Value::from(login)),
            ("type".to_owned(), "Bot".into()),
            ("node_id".to_owned(), node_id("Bot", account.id).into()),
            ("html_url".to_owned(), format!("{}/apps/{}", urls.web, app.slug).into()),
        ]);
    }
    bot
}

fn enterprise(Urls { web, .. }: &Urls, account: &Account) -> Value {
    let Account { id, login: slug, .. } = account;
    let created = rfc3339(account.created_at);
    json!({
        "id": id,
        "slug": slug,
        "name": slug,
        "node_id": node_id("Enterprise", *id),
        "avatar_url": format!("{web}/avatars/b/{id}"),
        "description": null,
        "website_url": null,
        "html_url": format!("{web}/enterprises/{slug}"),
        "created_at": created,
        "updated_at": created,
    })
}

/// Returns a user as `GET /user` does, without private fields.
pub(crate) fn profile(urls: &Urls, user: &Account) -> Value {
    let mut profile = simple_user(urls, user);
    let created = rfc3339(user.created_at);
    let more = json!({
        "name": null, "company": null, "blog": "", "location": null, "email": null, "hireable": null, "bio": null,
        "public_repos": user.repositories.iter().filter(|repository| !repository.private).count(),
        "public_gists": 0, "followers": 0, "following": 0,
        "created_at": created, "updated_at": created,
    });
    if let (Some(profile), Value::Object(more)) = (profile.as_object_mut(), more) {
        profile.extend(more);
    }
    profile
}

/// Returns an App.
pub(crate) fn app(urls: &Urls, model: &Model, app: &App) -> Value {
    let created = rfc3339(app.created_at);
    json!({
        "id": app.id,
        "slug": app.slug,
        "client_id": app.client_id,
        "node_id": node_id("Integration", app.id),
        "owner": model.account(app.owner).map(|owner| account(urls, owner)),
        "name": app.name,
        "description": null,
        "external_url": app.callback_url(),
        "html_url": format!("{}/github-apps/{}", urls.web, app.slug),
        "created_at": created,
        "updated_at": created,
        "permissions": app.permissions,
        "events": app.events,
        "installations_count": model.installations().filter(|installation| installation.app_id == app.id).count(),
    })
}

/// Returns the configuration of a webhook. The secret is masked.
pub(crate) fn hook_config(hook: &Hook) -> Value {
    let mut config = json!({ "content_type": hook.content_type, "insecure_ssl": "0" });
    let has_secret = !secrecy::ExposeSecret::expose_secret(&hook.secret).is_empty();
    let more = [("secret", has_secret.then_some("********")), ("url", hook.url.as_deref())];
    if let Some(config) = config.as_object_mut() {
        config.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    }
    config
}

/// Returns an installation.
pub(crate) fn installation(urls: &Urls, model: &Model, installation: &Installation) -> Value {
    let Urls { web, api } = urls;
    let Installation { id, .. } = installation;
    let on = model.account(installation.account);
    let app = model.app(installation.app_id);
    let login = on.map_or("", |account| account.login.as_str());
    let html_url = match installation.target_kind {
        AccountKind::User => format!("{web}/settings/installations/{id}"),
        AccountKind::Organization => format!("{web}/organizations/{login}/settings/installations/{id}"),
        AccountKind::Enterprise => format!("{web}/enterprises/{login}/settings/installations/{id}"),
    };
    let suspension = installation.suspension;
    let suspended_by = suspension.and_then(|suspension| suspension.by).and_then(|by| model.account(by));
    json!({
        "id": id,
        "client_id": app.map(|app| app.client_id.as_str()),
        "account": on.filter(|_| !installation.account_hidden).map(|on| account(urls, on)),
        "repository_selection": installation.selection.as_str(),
        "access_tokens_url": format!("{api}/app/installations/{id}/access_tokens"),
        "repositories_url": format!("{api}/installation/repositories"),
        "html_url": html_url,
        "app_id": installation.app_id,
        "app_slug": app.map(|app| app.slug.as_str()),
        "target_id": installation.account,
        "target_type": installation.target_kind.as_str(),
        "permissions": installation.permissions,
        "events": installation.events,
        "created_at": rfc3339(installation.created_at),
        "updated_at": rfc3339(installation.updated_at),
        "single_file_name": null,
        "has_multiple_single_files": false,
        "single_file_paths": [],
        "suspended_by": suspended_by.map(|user| account(urls, user)),
        "suspended_at": suspension.map(|suspension| rfc3339(suspension.at)),
        "contact_email": null,
    })
}

/// Returns an installation request.
pub(crate) fn installation_request(urls: &Urls, model: &Model, request: &InstallationRequest) -> Value {
    let simple = |id| model.account(id).map(|found| account(urls, found));
    json!({
        "id": request.id,
        "node_id": node_id("IntegrationInstallationRequest", request.id),
        "account": simple(request.account_id),
        "requester": simple(request.requester_id),
        "created_at": rfc3339(request.created_at),
    })
}

/// Returns an organization as lists of a user do.
pub(crate) fn organization_simple(Urls { web, api }: &Urls, organization: &Account) -> Value {
    let Account { id, login, .. } = organization;
    let url = format!("{api}/orgs/{login}");
    json!({
        "login": login,
        "id": id,
        "node_id": node_id("Organization", *id),
        "url": url,
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events"),
        "hooks_url": format!("{url}/hooks"),
        "issues_url": format!("{url}/issues"),
        "members_url": format!("{url}/members{{/member}}"),
        "public_members_url": format!("{url}/public_members{{/member}}"),
        "avatar_url": format!("{web}/avatars/u/{id}"),
        "description": null,
    })
}

/// Returns a user's membership in an organization.
pub(crate) fn membership(
    urls: &Urls,
    organization: &Account,
    user: &Account,
    membership: Membership,
) -> Value {
    let url = format!("{}/orgs/{}", urls.api, organization.login);
    json!({
        "url": format!("{url}/memberships/{}", user.login),
        "state": membership.state,
        "role": membership.role,
        "organization_url": url,
        "user": account(urls, user),
        "organization": organization_simple(urls, organization),
    })
}

/// Returns a user token with what it can access.
pub(crate) fn authorization(urls: &Urls, model: &Model, app: &App, grant: &Grant, token: &str) -> Value {
    let hash = hash_secret(token);
    let (issued, id) =
        (rfc3339(grant.issued_at), hash.iter().take(6).fold(0, |id, byte| id << 8 | u64::from(*byte)));
    let scoped = grant.scope.as_ref().and_then(|scope| {
        let installation = model.installation(scope.installation)?;
        Some(json!({
            "permissions": scope.permissions,
            "repository_selection": if scope.repositories.is_some() { "selected" } else { installation.selection.as_str() },
            "single_file_name": null,
            "has_multiple_single_files": false,
            "single_file_paths": [],
            "repositories_url": format!("{}/user/installations/{}/repositories", urls.api, installation.id),
            "account": account(urls, model.account(installation.account)?),
        }))
    });
    json!({
        "id": id,
        "url": format!("{}/authorizations/{id}", urls.api),
        "scopes": [],
        "token": token,
        "token_last_eight": token.get(token.len().saturating_sub(8)..),
        "hashed_token": HEXLOWER.encode(&hash),
        "app": { "client_id": app.client_id, "name": app.name, "url": format!("{}/github-apps/{}", urls.web, app.slug) },
        "note": null,
        "note_url": null,
        "created_at": issued,
        "updated_at": issued,
        "expires_at": rfc3339(grant.expires_at),
        "fingerprint": null,
        "user": model.account(grant.user).map(|user| account(urls, user)),
        "installation": scoped,
    })
}
