//! `POST /app/installations/{id}/access_tokens`: what is asked for, and what comes.

use std::collections::BTreeMap;

use crate::support::{CALLBACK, World, answer};
use dockline_github_sim::{Config, GithubSim, NewApp, TokenFormat};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_token_lives_an_hour_by_the_simulators_clock_and_has_everything_granted() {
    let world = World::new().await;
    world.sim().set_clock_offset(86_400);
    let installation = world.install("acme-coffee");
    let path = format!("/app/installations/{installation}/access_tokens");
    // Without a body at all.
    let before = world.sim().now().unix_timestamp();
    let (status, minted) = answer(world.send(Method::POST, &path, &world.jwt()).await).await;
    let after = world.sim().now().unix_timestamp();
    assert_eq!(status, 201);
    let granted =
        json!({ "contents": "write", "members": "read", "metadata": "read", "pull_requests": "write" });
    assert_eq!(minted["permissions"], granted);
    assert_eq!(minted["repository_selection"], "all");
    assert!(minted.get("repositories").is_none());
    let format = &time::format_description::well_known::Rfc3339;
    let expires = time::OffsetDateTime::parse(minted["expires_at"].as_str().unwrap(), format).unwrap();
    assert!((before..=after).contains(&(expires.unix_timestamp() - 3600)));
}

/// GitHub fact 18: the trap.
#[tokio::test]
async fn narrowing_to_nothing_gives_everything() {
    let world = World::new().await;
    world.repositories(&["beans"]);
    let installation = world.install("acme-coffee");
    let whole = world.mint(installation, &json!({})).await.1;
    for body in [
        json!({ "permissions": {} }),
        json!({ "repositories": [] }),
        json!({ "repository_ids": [] }),
        json!({ "repositories": null, "repository_ids": null, "permissions": null }),
        json!({ "repositories": [], "repository_ids": [], "permissions": {} }),
    ] {
        let (status, minted) = world.mint(installation, &body).await;
        assert_eq!(status, 201, "{body}");
        for field in ["permissions", "repository_selection", "repositories"] {
            assert_eq!(minted.get(field), whole.get(field), "{body}");
        }
    }
}

#[tokio::test]
async fn permissions_are_narrowed_and_never_widened() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let cases = [
        (json!({ "contents": "read" }), 201),
        (json!({ "contents": "write", "members": "read" }), 201),
        (json!({ "contents": "admin" }), 422),
        (json!({ "members": "write" }), 422),
        (json!({ "issues": "read" }), 422),
        (json!({ "contents": "read", "issues": "read" }), 422),
        (json!({ "contents": "everything" }), 422),
        (json!({ "contents": 1 }), 422),
        (json!(["contents"]), 422),
    ];
    for (permissions, expected) in cases {
        let (status, minted) = world.mint(installation, &json!({ "permissions": permissions })).await;
        assert_eq!(status, expected, "{permissions}: {minted}");
        if expected == 201 {
            // Reading metadata comes with every permission.
            let mut given = permissions;
            given["metadata"] = json!("read");
            assert_eq!(minted["permissions"], given);
        }
    }
    let (_, refused) = world.mint(installation, &json!({ "permissions": { "issues": "read" } })).await;
    assert_eq!(refused["message"], "The permissions requested are not granted to this installation.");
}

#[tokio::test]
async fn what_the_app_asks_for_counts_only_when_it_was_accepted() {
    let world = World::with(NewApp::new("narrow", CALLBACK).with_permissions([("metadata", "read")])).await;
    let installation = world.install("acme-coffee");
    let body = json!({ "permissions": { "contents": "admin" } });
    assert_eq!(world.mint(installation, &body).await.0, 422);
    let wider = BTreeMap::from([("contents".to_owned(), "admin".to_owned())]);
    world.sim().set_app_permissions(world.app.app_id, wider).unwrap();
    assert_eq!(world.mint(installation, &body).await.0, 422);
    world.sim().accept_permissions(installation).unwrap();
    let (status, minted) = world.mint(installation, &body).await;
    assert_eq!((status, &minted["permissions"]), (201, &json!({ "contents": "admin" })));
}

fn names(minted: &Value) -> Vec<&str> {
    minted["repositories"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn repositories_are_named_or_numbered() {
    let world = World::new().await;
    let ids = world.repositories(&["beans", "roaster", "site"]);
    let installation = world.install("acme-coffee");
    let cases = [
        (json!({ "repositories": ["Roaster"] }), vec!["roaster"]),
        (json!({ "repository_ids": [ids[2], ids[0]] }), vec!["beans", "site"]),
        (json!({ "repositories": ["site"], "repository_ids": [ids[0], ids[0]] }), vec!["beans", "site"]),
    ];
    for (body, expected) in cases {
        let (status, minted) = world.mint(installation, &body).await;
        assert_eq!((status, names(&minted)), (201, expected), "{body}");
        assert_eq!(minted["repository_selection"], "selected");
    }
}

#[tokio::test]
async fn repositories_out_of_reach_are_refused() {
    let world = World::new().await;
    world.repositories(&["beans", "roaster"]);
    let foreign = world.sim().add_repository("olga", "diary", true).unwrap();
    let installation = world.install("acme-coffee");
    world.sim().select_repositories(installation, &["beans"]).unwrap();
    assert_eq!(world.mint(installation, &json!({})).await.1["repository_selection"], "selected");
    for body in [
        json!({ "repositories": ["roaster"] }),
        json!({ "repositories": ["beans", "tea"] }),
        json!({ "repositories": ["acme-coffee/beans"] }),
        json!({ "repository_ids": [foreign] }),
        json!({ "repository_ids": [0] }),
    ] {
        let (status, refused) = world.mint(installation, &body).await;
        assert_eq!(status, 422, "{body}");
        let message = refused["message"].as_str().unwrap();
        assert!(
            message.ends_with("does not exist or is not accessible to the parent installation."),
            "{message}"
        );
    }
    assert_eq!(world.mint(installation, &json!({ "repositories": ["beans"] })).await.0, 201);
}

/// GitHub fact 17.
#[tokio::test]
async fn five_hundred_repositories_are_the_most() {
    let world = World::new().await;
    let made = (0..501).map(|n| world.sim().add_repository("acme-coffee", &format!("r{n}"), true).unwrap());
    let ids: Vec<u64> = made.collect();
    let installation = world.install("acme-coffee");
    let (status, minted) = world.mint(installation, &json!({ "repository_ids": ids[..500] })).await;
    assert_eq!((status, names(&minted).len()), (201, 500));
    assert_eq!(world.mint(installation, &json!({ "repository_ids": ids })).await.0, 422);
    let both = json!({ "repository_ids": ids[..500], "repositories": ["r500"] });
    assert_eq!(world.mint(installation, &both).await.0, 422);
}

#[tokio::test]
async fn foreign_removed_and_unknown_installations_are_404_and_suspended_ones_403() {
    let world = World::new().await;
    let other = world.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let foreign = world.sim().install(other.app_id, "acme-coffee", "olga").unwrap();
    let removed = world.install("acme-coffee");
    world.sim().uninstall(removed).unwrap();
    for id in [foreign, removed, 1] {
        assert_eq!(world.mint(id, &json!({})).await.0, 404, "{id}");
    }
    let suspended = world.install("acme-coffee");
    world.sim().suspend(suspended, Some("olga")).unwrap();
    let (status, refused) = world.mint(suspended, &json!({})).await;
    assert_eq!((status, refused["status"].as_str()), (403, Some("403")));
    assert_eq!(refused["message"], "This installation has been suspended");
    world.sim().unsuspend(suspended).unwrap();
    assert_eq!(world.mint(suspended, &json!({})).await.0, 201);
}

#[tokio::test]
async fn only_the_apps_jwt_mints() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let path = format!("/app/installations/{installation}/access_tokens");
    let token = world.token(installation, &json!({})).await;
    for credential in [token.as_str(), &world.user_token("olga"), "rubbish"] {
        assert_eq!(world.send(Method::POST, &path, credential).await.status(), 401);
    }
    let url = format!("{}{path}", world.running.api);
    for (body, expected) in [("{", 400), ("[]", 400), ("  ", 201), ("{\"unknown\":1}", 201)] {
        let request = world.client.post(&url).bearer_auth(world.jwt()).body(body);
        assert_eq!(request.send().await.unwrap().status(), expected, "{body}");
    }
}

/// GitHub facts 30 and 32.
fn format_of(token: &str, app_id: u64) -> TokenFormat {
    let rest = token.strip_prefix("ghs_").unwrap();
    if rest.len() == 36 && rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return TokenFormat::Opaque;
    }
    let jwt = rest.strip_prefix(&format!("{app_id}_")).unwrap();
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    assert!(jwt.split('.').count() == 3 && jwt.bytes().all(fits) && jwt.contains('-'), "{token}");
    assert!((490..=550).contains(&token.len()), "{} characters", token.len());
    TokenFormat::Stateless
}

#[tokio::test]
async fn the_format_is_a_setting_and_a_header_overrides_it() {
    let config = Config::default().with_token_format(TokenFormat::Opaque);
    let world = World::on(GithubSim::new(config), NewApp::new("dockline-dev", CALLBACK)).await;
    let installation = world.install("acme-coffee");
    let url = format!("{}/app/installations/{installation}/access_tokens", world.running.api);
    let mint = async |header: Option<&str>| {
        let request = world.client.post(&url).bearer_auth(world.jwt());
        let request = match header {
            Some(value) => request.header("X-GitHub-Stateless-S2S-Token", value),
            None => request,
        };
        let (_, minted) = answer(request.send().await.unwrap()).await;
        let token = minted["token"].as_str().unwrap();
        assert_eq!(world.get("/installation/repositories", token).await.0, 200, "good in either form");
        format_of(token, world.app.app_id)
    };
    for format in [TokenFormat::Opaque, TokenFormat::Stateless] {
        world.sim().set_token_format(format);
        assert_eq!(mint(None).await, format);
        assert_eq!(mint(Some("enabled")).await, TokenFormat::Stateless);
        assert_eq!(mint(Some("disabled")).await, TokenFormat::Opaque);
        assert_eq!(mint(Some("Enabled")).await, format, "any other value is ignored");
    }
    assert_eq!(Config::default().token_format, TokenFormat::Stateless);
}

#[tokio::test]
async fn the_new_format_is_not_always_equally_long() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let mut lengths = std::collections::BTreeSet::new();
    // Both lengths are equally likely: a hundred tokens of one length are less likely than a broken machine.
    for _ in 0..100 {
        let token = world.sim().issue_installation_token(installation).unwrap();
        lengths.insert(secrecy::ExposeSecret::expose_secret(&token).len());
    }
    assert!(lengths.len() > 1, "{lengths:?}");
}
