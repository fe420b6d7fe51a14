//! `POST /app/installations/{id}/access_tokens`.

use std::collections::BTreeMap;

use crate::support::{CALLBACK, Fixture, status_and_body};
use dockline_github_sim::{NewApp, TokenFormat};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn unrestricted_token_has_all_permissions_for_an_hour() {
    let fixture = Fixture::new().await;
    fixture.sim().set_clock_offset(86_400);
    let installation = fixture.install("acme-coffee");
    let path = format!("/app/installations/{installation}/access_tokens");
    // Without a body.
    let before = fixture.sim().now().unix_timestamp();
    let (status, minted) = status_and_body(fixture.send(Method::POST, &path, &fixture.jwt()).await).await;
    let after = fixture.sim().now().unix_timestamp();
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

#[tokio::test]
async fn empty_restrictions_do_not_restrict_the_token() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans"]);
    let installation = fixture.install("acme-coffee");
    let whole = fixture.mint(installation, &json!({})).await.1;
    for body in [
        json!({ "permissions": {} }),
        json!({ "repositories": [] }),
        json!({ "repository_ids": [] }),
        json!({ "repositories": null, "repository_ids": null, "permissions": null }),
        json!({ "repositories": [], "repository_ids": [], "permissions": {} }),
    ] {
        let (status, minted) = fixture.mint(installation, &body).await;
        assert_eq!(status, 201, "{body}");
        for field in ["permissions", "repository_selection", "repositories"] {
            assert_eq!(minted.get(field), whole.get(field), "{body}");
        }
    }
}

#[tokio::test]
async fn token_permissions_are_a_subset_of_the_granted_ones() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
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
        let (status, minted) = fixture.mint(installation, &json!({ "permissions": permissions })).await;
        assert_eq!(status, expected, "{permissions}: {minted}");
        if expected == 201 {
            // `metadata: read` is always included.
            let mut expected = permissions;
            expected["metadata"] = json!("read");
            assert_eq!(minted["permissions"], expected);
        }
    }
    let (_, refused) = fixture.mint(installation, &json!({ "permissions": { "issues": "read" } })).await;
    assert_eq!(refused["message"], "The permissions requested are not granted to this installation.");
}

#[tokio::test]
async fn requested_permissions_apply_after_acceptance() {
    let fixture =
        Fixture::with(NewApp::new("narrow", CALLBACK).with_permissions([("metadata", "read")])).await;
    let installation = fixture.install("acme-coffee");
    let body = json!({ "permissions": { "contents": "admin" } });
    assert_eq!(fixture.mint(installation, &body).await.0, 422);
    let wider = BTreeMap::from([("contents".to_owned(), "admin".to_owned())]);
    fixture.sim().set_app_permissions(fixture.app.app_id, wider).unwrap();
    assert_eq!(fixture.mint(installation, &body).await.0, 422);
    fixture.sim().accept_permissions(installation).unwrap();
    let (status, minted) = fixture.mint(installation, &body).await;
    assert_eq!((status, &minted["permissions"]), (201, &json!({ "contents": "admin" })));
}

fn names(minted: &Value) -> Vec<&str> {
    minted["repositories"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn token_repositories_are_selected_by_name_or_id() {
    let fixture = Fixture::new().await;
    let ids = fixture.repositories(&["beans", "roaster", "site"]);
    let installation = fixture.install("acme-coffee");
    let cases = [
        (json!({ "repositories": ["Roaster"] }), vec!["roaster"]),
        (json!({ "repository_ids": [ids[2], ids[0]] }), vec!["beans", "site"]),
        (json!({ "repositories": ["site"], "repository_ids": [ids[0], ids[0]] }), vec!["beans", "site"]),
    ];
    for (body, expected) in cases {
        let (status, minted) = fixture.mint(installation, &body).await;
        assert_eq!((status, names(&minted)), (201, expected), "{body}");
        assert_eq!(minted["repository_selection"], "selected");
    }
}

#[tokio::test]
async fn token_for_inaccessible_repository_is_422() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans", "roaster"]);
    let foreign = fixture.sim().add_repository("olga", "diary", true).unwrap();
    let installation = fixture.install("acme-coffee");
    fixture.sim().select_repositories(installation, &["beans"]).unwrap();
    assert_eq!(fixture.mint(installation, &json!({})).await.1["repository_selection"], "selected");
    for body in [
        json!({ "repositories": ["roaster"] }),
        json!({ "repositories": ["beans", "tea"] }),
        json!({ "repositories": ["acme-coffee/beans"] }),
        json!({ "repository_ids": [foreign] }),
        json!({ "repository_ids": [0] }),
    ] {
        let (status, refused) = fixture.mint(installation, &body).await;
        assert_eq!(status, 422, "{body}");
        let message = refused["message"].as_str().unwrap();
        assert!(
            message.ends_with("does not exist or is not accessible to the parent installation."),
            "{message}"
        );
    }
    assert_eq!(fixture.mint(installation, &json!({ "repositories": ["beans"] })).await.0, 201);
}

#[tokio::test]
async fn token_for_more_than_500_repositories_is_422() {
    let fixture = Fixture::new().await;
    let made = (0..501).map(|n| fixture.sim().add_repository("acme-coffee", &format!("r{n}"), true).unwrap());
    let ids: Vec<u64> = made.collect();
    let installation = fixture.install("acme-coffee");
    let (status, minted) = fixture.mint(installation, &json!({ "repository_ids": ids[..500] })).await;
    assert_eq!((status, names(&minted).len()), (201, 500));
    assert_eq!(fixture.mint(installation, &json!({ "repository_ids": ids })).await.0, 422);
    let both = json!({ "repository_ids": ids[..500], "repositories": ["r500"] });
    assert_eq!(fixture.mint(installation, &both).await.0, 422);
}

#[tokio::test]
async fn minting_for_unknown_installation_is_404_and_for_suspended_403() {
    let fixture = Fixture::new().await;
    let other = fixture.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let foreign = fixture.sim().install(other.app_id, "acme-coffee", "olga").unwrap();
    let removed = fixture.install("acme-coffee");
    fixture.sim().uninstall(removed).unwrap();
    for id in [foreign, removed, 1] {
        assert_eq!(fixture.mint(id, &json!({})).await.0, 404, "{id}");
    }
    let suspended = fixture.install("acme-coffee");
    fixture.sim().suspend(suspended, Some("olga")).unwrap();
    let (status, refused) = fixture.mint(suspended, &json!({})).await;
    assert_eq!((status, refused["status"].as_str()), (403, Some("403")));
    assert_eq!(refused["message"], "This installation has been suspended");
    fixture.sim().unsuspend(suspended).unwrap();
    assert_eq!(fixture.mint(suspended, &json!({})).await.0, 201);
}

#[tokio::test]
async fn minting_needs_the_apps_jwt() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let path = format!("/app/installations/{installation}/access_tokens");
    let token = fixture.token(installation, &json!({})).await;
    for credential in [token.as_str(), &fixture.user_token("olga").await, "rubbish"] {
        assert_eq!(fixture.send(Method::POST, &path, credential).await.status(), 401);
    }
    let url = format!("{}{path}", fixture.running.api);
    for (body, expected) in [("{", 400), ("[]", 400), ("  ", 201), ("{\"unknown\":1}", 201)] {
        let request = fixture.client.post(&url).bearer_auth(fixture.jwt()).body(body);
        assert_eq!(request.send().await.unwrap().status(), expected, "{body}");
    }
}

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
async fn header_overrides_the_token_format() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let url = format!("{}/app/installations/{installation}/access_tokens", fixture.running.api);
    let mint = async |header: Option<&str>| {
        let request = fixture.client.post(&url).bearer_auth(fixture.jwt());
        let request = match header {
            Some(value) => request.header("X-GitHub-Stateless-S2S-Token", value),
            None => request,
        };
        let (_, minted) = status_and_body(request.send().await.unwrap()).await;
        let token = minted["token"].as_str().unwrap();
        assert_eq!(
            fixture.get("/installation/repositories", token).await.0,
            200,
            "the token works in both formats"
        );
        format_of(token, fixture.app.app_id)
    };
    assert_eq!(mint(None).await, TokenFormat::Stateless, "the default");
    for format in [TokenFormat::Opaque, TokenFormat::Stateless] {
        fixture.sim().set_token_format(format);
        assert_eq!(mint(None).await, format);
        assert_eq!(mint(Some("enabled")).await, TokenFormat::Stateless);
        assert_eq!(mint(Some("disabled")).await, TokenFormat::Opaque);
        assert_eq!(mint(Some("Enabled")).await, format, "any other value is ignored");
    }
}

#[tokio::test]
async fn length_of_stateless_tokens_varies() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let mut lengths = std::collections::BTreeSet::new();
    // Both lengths are equally likely, so the chance of 64 tokens of one length is 2^-63.
    for _ in 0..64 {
        lengths.insert(fixture.token(installation, &json!({})).await.len());
    }
    assert!(lengths.len() > 1, "{lengths:?}");
}

#[tokio::test]
async fn fields_of_the_wrong_type_are_422_in_githubs_words() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let many = vec![1; 501];
    let cases = [
        (json!({ "repositories": "beans" }), "For 'properties/repositories', \"beans\" is not an array."),
        (json!({ "repositories": [5] }), "For 'items', 5 is not a string."),
        (
            json!({ "repository_ids": { "a": null } }),
            "For 'properties/repository_ids', {\"a\" => nil} is not an array.",
        ),
        (json!({ "repository_ids": ["1"] }), "For 'items', \"1\" is not an integer."),
        (
            json!({ "repository_ids": many }),
            "For 'properties/repository_ids', No more than 500 items are allowed; 501 were supplied.",
        ),
        (
            json!({ "permissions": ["contents"] }),
            "For 'properties/permissions', [\"contents\"] is not an object.",
        ),
        (json!({ "permissions": { "contents": 1 } }), "For 'properties/contents', 1 is not a string."),
        (
            json!({ "permissions": { "contents": "all" } }),
            "For 'properties/contents', \"all\" is not a member of [\"read\", \"write\", \"admin\"].",
        ),
    ];
    for (body, expected) in cases {
        let (status, refused) = fixture.mint(installation, &body).await;
        assert_eq!(
            (status, refused["message"].as_str()),
            (422, Some(format!("Invalid request.\n\n{expected}").as_str()))
        );
    }
}
