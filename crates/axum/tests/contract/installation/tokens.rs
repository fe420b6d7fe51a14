//! `Dockline::token` over the HTTP gateway and a simulated GitHub (L-12, L-13, L-36 to L-42, L-59).

use std::process::Command;
use std::time::Duration;

use dockline::ports::Clock;
use dockline::{
    Access, ClaimPolicy, InstallationToken, OrganizationId, PermissionName, RefusedToken, RepositoryId,
    TokenError, TokenScope,
};
use dockline_github_sim::{Fault, FaultRule, TokenFormat};
use secrecy::ExposeSecret;

use crate::fixture::{Fixture, INSTALLATION};

fn acme() -> OrganizationId {
    OrganizationId::new("org_acme").unwrap()
}

fn everything() -> TokenScope {
    TokenScope::everything()
}

fn only(repository: u64) -> TokenScope {
    everything().with_repositories([RepositoryId::new(repository).unwrap()]).unwrap()
}

fn may(name: &str, access: Access) -> TokenScope {
    everything().with_permissions([(PermissionName::new(name).unwrap(), access)]).unwrap()
}

/// acme-coffee with two repositories, bound to acme; the App may read contents.
async fn fixture() -> (Fixture, u64, [u64; 2]) {
    let fixture = Fixture::with_webhooks(ClaimPolicy::State).await;
    let granted = [("contents", "read"), ("metadata", "read"), ("members", "read")];
    let granted = granted.into_iter().map(|(name, access)| (name.to_owned(), access.to_owned())).collect();
    fixture.github().set_app_permissions(fixture.app.app_id, granted).unwrap();
    let repositories =
        ["beans", "roast"].map(|name| fixture.github().add_repository("acme-coffee", name, true).unwrap());
    let installation = fixture.bound().await;
    fixture.settled().await;
    (fixture, installation, repositories)
}

impl Fixture {
    async fn token(&self, scope: &TokenScope) -> Result<InstallationToken, TokenError> {
        self.dockline.token(&acme(), scope).await
    }

    fn mints(&self) -> usize {
        self.github().requests().iter().filter(|request| request.path.ends_with("/access_tokens")).count()
    }

    /// Returns whether GitHub accepts the token.
    async fn works(&self, token: &InstallationToken) -> bool {
        let url = format!("{}/installation/repositories", self.sim.api);
        let request = self.http.get(url).header("authorization", token.authorization().expose_secret());
        request.header("user-agent", "tests").send().await.unwrap().status().is_success()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_callers_on_a_cold_cache_make_one_mint_per_scope_l_38() {
    let (fixture, _, [beans, roast]) = fixture().await;
    let scopes = [everything(), only(beans), only(roast), may("contents", Access::Read)];
    let callers: Vec<_> = (0..10_000_usize)
        .map(|number| {
            let (dockline, scope) = (fixture.dockline.clone(), scopes[number % scopes.len()].clone());
            tokio::spawn(async move { dockline.token(&acme(), &scope).await })
        })
        .collect();
    let mut tokens = vec![Vec::new(); scopes.len()];
    for (number, caller) in callers.into_iter().enumerate() {
        // Every fifth caller is cancelled, before or while it waits.
        if number % 5 == 4 {
            caller.abort();
        } else {
            tokens[number % 4].push(caller.await.unwrap().unwrap().expose().to_owned());
        }
    }
    assert_eq!(fixture.mints(), scopes.len());
    for of_scope in &mut tokens {
        of_scope.dedup();
        assert_eq!(of_scope.len(), 1, "all callers of a scope have the same token");
    }
    // With a warm cache: no further mint, and four different tokens.
    let mut distinct: Vec<_> = tokens.concat();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), scopes.len(), "L-36");
    for scope in &scopes {
        fixture.token(scope).await.unwrap();
    }
    assert_eq!(fixture.mints(), scopes.len());
}

#[tokio::test]
async fn asking_for_less_never_gives_more_l_36_l_48() {
    let (fixture, _, [beans, _]) = fixture().await;
    let wide = fixture.token(&everything()).await.unwrap();
    let narrow = fixture.token(&only(beans)).await.unwrap();
    assert_ne!(wide.expose(), narrow.expose());
    let listed = |token: InstallationToken| {
        let fixture = &fixture;
        async move {
            let url = format!("{}/installation/repositories", fixture.sim.api);
            let request =
                fixture.http.get(url).header("authorization", token.authorization().expose_secret());
            let answer = request.header("user-agent", "tests").send().await.unwrap();
            answer.json::<serde_json::Value>().await.unwrap()["total_count"].as_u64().unwrap()
        }
    };
    assert_eq!((listed(wide).await, listed(narrow).await), (2, 1));
    let refused = fixture.token(&may("contents", Access::Write)).await.unwrap_err();
    assert!(matches!(refused, TokenError::NotGranted { .. }), "{refused:?}");
    let refused = fixture.token(&only(999_999_999)).await.unwrap_err();
    assert!(matches!(refused, TokenError::NotGranted { .. }), "{refused:?}");
}

#[tokio::test]
async fn two_apps_and_two_organizations_never_share_a_token_l_12_l_37() {
    let (first, _, _) = fixture().await;
    let (second, _, _) = fixture().await;
    let of_first = first.token(&everything()).await.unwrap();
    let of_second = second.token(&everything()).await.unwrap();
    assert_ne!(of_first.expose(), of_second.expose());
    assert!(first.works(&of_first).await && second.works(&of_second).await);
    assert!(!second.works(&of_first).await);
    let rival = OrganizationId::new("org_rival").unwrap();
    let refused = first.dockline.token(&rival, &everything()).await.unwrap_err();
    assert!(matches!(refused, TokenError::NotBound));
}

#[tokio::test]
async fn a_token_is_served_until_five_minutes_before_it_expires_l_40() {
    let (fixture, _, _) = fixture().await;
    let first = fixture.token(&everything()).await.unwrap();
    let margin = first.expires_at() - time::Duration::minutes(5) - fixture.dockline_now();
    fixture.clock.advance(margin - time::Duration::seconds(1));
    assert_eq!(fixture.token(&everything()).await.unwrap().expose(), first.expose());
    assert_eq!(fixture.dockline.token_cache_hits(), 1);
    fixture.clock.advance(time::Duration::seconds(1));
    assert_ne!(fixture.token(&everything()).await.unwrap().expose(), first.expose());
    assert_eq!(fixture.dockline.token_cache_hits(), 1);
}

impl Fixture {
    fn dockline_now(&self) -> time::OffsetDateTime {
        use dockline::ports::Clock;
        self.clock.now()
    }
}

#[tokio::test]
async fn every_change_of_the_installation_invalidates_its_tokens_l_41_l_59() {
    let (fixture, installation, _) = fixture().await;
    let before = fixture.token(&everything()).await.unwrap();
    // Suspended: no token as soon as the delivery is accepted.
    fixture.github().suspend(installation, Some("olga")).unwrap();
    fixture.settled().await;
    assert!(matches!(fixture.token(&everything()).await, Err(TokenError::Suspended)));
    fixture.github().unsuspend(installation).unwrap();
    fixture.settled().await;
    let after = fixture.token(&everything()).await.unwrap();
    assert_ne!(after.expose(), before.expose());
    // New repositories, permissions or name: a new token.
    let mut last = after;
    for change in ["repositories", "permissions", "name"] {
        match change {
            "repositories" => fixture.github().select_repositories(installation, &["beans"]).unwrap(),
            "permissions" => {
                let granted = [("metadata".to_owned(), "read".to_owned())].into();
                fixture.github().set_app_permissions(fixture.app.app_id, granted).unwrap();
                fixture.github().accept_permissions(installation).unwrap();
            }
            _ => fixture.github().rename("acme-coffee", "acme-roasters").unwrap(),
        }
        fixture.settled().await;
        let next = fixture.token(&everything()).await.unwrap();
        assert_ne!(next.expose(), last.expose(), "{change}");
        last = next;
    }
    fixture.delete(&fixture.acme, INSTALLATION).await.expect(204);
    assert!(matches!(fixture.token(&everything()).await, Err(TokenError::NotBound)));
}

#[tokio::test]
async fn a_change_without_a_webhook_is_found_at_the_next_mint_l_42_l_57() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.bound().await;
    fixture.github().suspend(installation, None).unwrap();
    assert!(matches!(fixture.token(&everything()).await, Err(TokenError::Suspended)));
    assert_eq!(fixture.binding_field("status").await, "suspended");
    fixture.github().unsuspend(installation).unwrap();
    // The stored status stays suspended until the next refresh: fail closed.
    assert!(matches!(fixture.token(&everything()).await, Err(TokenError::Suspended)));
    fixture.dockline.refresh(dockline::InstallationId::new(installation).unwrap()).await.unwrap();
    let token = fixture.token(&everything()).await.unwrap();
    fixture.github().uninstall(installation).unwrap();
    assert!(!fixture.works(&token).await);
    // A rejected token that is not new is evicted, and the next mint shows the status. The gateway dates tokens by the clock
    // of the machine.
    let later = token.issued_at() + time::Duration::seconds(6);
    fixture.clock.advance(later - fixture.clock.now());
    assert_eq!(fixture.dockline.token_refused(&token), RefusedToken::Forgotten);
    assert!(matches!(fixture.token(&everything()).await, Err(TokenError::Missing { .. })));
    assert_eq!(fixture.binding_field("status").await, "active", "the status of before is shown");
    assert_eq!(fixture.mints(), 1);
}

#[tokio::test]
async fn a_rejected_token_that_is_seconds_old_is_retried_l_49() {
    let (fixture, _, _) = fixture().await;
    let token = fixture.token(&everything()).await.unwrap();
    let fresh = RefusedToken::TooFresh { retry_after: Duration::from_secs(1) };
    assert_eq!(fixture.dockline.token_refused(&token), fresh);
    assert_eq!(fixture.token(&everything()).await.unwrap().expose(), token.expose());
}

#[tokio::test]
async fn tokens_can_be_revoked_at_shutdown() {
    let (fixture, _, [beans, _]) = fixture().await;
    let tokens = [fixture.token(&everything()).await.unwrap(), fixture.token(&only(beans)).await.unwrap()];
    assert_eq!(fixture.dockline.revoke_tokens().await, 0);
    for token in &tokens {
        assert!(!fixture.works(token).await);
    }
    // A failed revocation is counted, not awaited.
    fixture.token(&everything()).await.unwrap();
    fixture.github().set_fault(FaultRule::new(Fault::Status { code: 500 }).for_method("DELETE"));
    assert_eq!(fixture.dockline.revoke_tokens().await, 1);
}

async fn clones(url: &str) -> bool {
    static FOLDERS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = FOLDERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("dockline-clone-{}-{number}", std::process::id()));
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", url])
        .arg(&folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = tokio::task::spawn_blocking(move || git.output()).await.unwrap().unwrap();
    let there = folder.join("README.md").is_file();
    drop(std::fs::remove_dir_all(&folder));
    assert_eq!(output.status.success(), there);
    there
}

#[tokio::test(flavor = "multi_thread")]
async fn git_clones_with_a_minted_token_and_with_no_other() {
    let (fixture, installation, [beans, _]) = fixture().await;
    for format in [TokenFormat::Opaque, TokenFormat::Stateless] {
        fixture.github().set_token_format(format);
        fixture.dockline.revoke_tokens().await;
        let token = fixture.token(&everything()).await.unwrap();
        let url = token.clone_url("acme-coffee/beans").unwrap();
        assert!(clones(url.expose_secret()).await, "{format:?}");
    }
    let narrow = fixture.token(&only(beans)).await.unwrap();
    let url =
        |token: &InstallationToken, name: &str| token.clone_url(name).unwrap().expose_secret().to_owned();
    assert!(clones(&url(&narrow, "acme-coffee/beans")).await);
    assert!(!clones(&url(&narrow, "acme-coffee/roast")).await, "another repository");
    let wide = fixture.token(&everything()).await.unwrap();
    fixture.github().suspend(installation, None).unwrap();
    assert!(!clones(&url(&wide, "acme-coffee/roast")).await, "suspended");
    fixture.github().unsuspend(installation).unwrap();
    assert!(clones(&url(&wide, "acme-coffee/roast")).await);
    fixture.settled().await;
    fixture.github().revoke_installation_tokens(installation).unwrap();
    assert!(!clones(&url(&wide, "acme-coffee/roast")).await, "revoked");
    let last = fixture.token(&may("contents", Access::Read)).await.unwrap();
    assert!(clones(&url(&last, "acme-coffee/roast")).await);
    fixture.github().advance_clock(3_601);
    assert!(!clones(&url(&last, "acme-coffee/roast")).await, "expired");
}
