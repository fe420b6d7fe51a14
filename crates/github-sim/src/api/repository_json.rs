//! The REST API's JSON of repositories.

use serde_json::{Map, Value, json};

use super::gate::ApiVersion;
use crate::clock::rfc3339;
use crate::json::{account, node_id};
use crate::model::account::{Account, AccountKind};
use crate::model::repository::Repository;
use crate::urls::Urls;

/// The fields with URLs below the repository's own, and their suffixes.
const URL_FIELDS: [(&str, &str); 37] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("url", ""),
];

/// Returns what a user can do with a repository that they can read.
pub(super) fn permissions(administers: bool) -> Value {
    json!({ "admin": administers, "maintain": administers, "push": administers, "triage": administers, "pull": true })
}

/// Returns a repository as in webhooks.
pub(crate) fn webhook_repository(urls: &Urls, owner: &Account, repository: &Repository) -> Value {
    let mut object = self::repository(urls, ApiVersion::V2026_03_10, owner, repository);
    let Some(fields) = object.as_object_mut() else { return object };
    let created = Value::from(repository.created_at.unix_timestamp());
    fields.extend([
        ("has_downloads".to_owned(), true.into()),
        ("stargazers".to_owned(), 0.into()),
        ("master_branch".to_owned(), repository.default_branch.as_str().into()),
        ("created_at".to_owned(), created.clone()),
        ("pushed_at".to_owned(), created),
    ]);
    if owner.kind == AccountKind::Organization {
        fields.insert("organization".to_owned(), owner.login.as_str().into());
    }
    if let Some(owner_fields) = fields.get_mut("owner").and_then(Value::as_object_mut) {
        owner_fields
            .extend([("name".to_owned(), owner.login.as_str().into()), ("email".to_owned(), Value::Null)]);
    }
    object
}

/// Returns a repository. API version 2026-03-10 omits two fields.
pub(super) fn repository(
    urls: &Urls,
    version: ApiVersion,
    owner: &Account,
    repository: &Repository,
) -> Value {
    let Urls { web, api } = urls;
    let Repository { id, name, private, default_branch, language, .. } = repository;
    let full_name = format!("{}/{name}", owner.login);
    let host = web.split_once("://").map_or(web.as_str(), |(_, host)| host);
    let visibility = if *private { "private" } else { "public" };
    let created = rfc3339(repository.created_at);
    let whole = json!({
        "id": id,
        "node_id": node_id("Repository", *id),
        "name": name,
        "full_name": full_name,
        "owner": account(urls, owner),
        "private": private,
        "visibility": visibility,
        "html_url": format!("{web}/{full_name}"),
        "clone_url": format!("{web}/{full_name}.git"),
        "git_url": format!("git://{host}/{full_name}.git"),
        "ssh_url": format!("git@{host}:{full_name}.git"),
        "svn_url": format!("{web}/{full_name}"),
        "mirror_url": null,
        "description": null,
        "homepage": null,
        "language": language,
        "license": null,
        "topics": [],
        "default_branch": default_branch,
        "fork": false, "archived": false, "disabled": false, "is_template": false,
        "has_issues": true, "has_projects": true, "has_wiki": true, "has_pages": false, "has_discussions": false,
        "allow_forking": true, "web_commit_signoff_required": false,
        "forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0,
        "open_issues": 0, "open_issues_count": 0, "size": 1,
        "created_at": created,
        "pushed_at": created,
        "updated_at": created,
    });
    let mut fields = match whole {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    let base = format!("{api}/repos/{full_name}");
    fields.extend(URL_FIELDS.map(|(field, suffix)| (field.to_owned(), format!("{base}{suffix}").into())));
    if version == ApiVersion::V2022_11_28 {
        fields.insert("has_downloads".to_owned(), true.into());
        fields.insert("use_squash_pr_title_as_default".to_owned(), false.into());
    }
    Value::Object(fields)
}
