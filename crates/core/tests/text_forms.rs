//! The texts of public types: what stores and clients read, and what logs show.

use dockline::{
    Access, ApiKey, ApiKeySecretHash, BudgetClass, BudgetKey, InstallationId, InstallationToken, KeyId,
    NewToken, OrganizationId, PermissionName, RepositoryName, Scope, SecretDigest, SetupAction, State, Tier,
    WebhookSecrets,
};
use time::macros::datetime;

const KEY: &str = "lp_live_0123456789ABCDEF_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO1A";

#[test]
fn identifiers_show_the_text_that_they_were_made_from() {
    let organization = OrganizationId::new("org_acme").unwrap();
    assert_eq!((organization.as_str(), organization.to_string()), ("org_acme", "org_acme".into()));
    let repository = RepositoryName::new("Beans.rs").unwrap();
    assert_eq!((repository.as_str(), repository.to_string()), ("beans.rs", "beans.rs".into()));
    let permission = PermissionName::new("pull_requests").unwrap();
    assert_eq!((permission.as_str(), permission.to_string()), ("pull_requests", "pull_requests".into()));
    let key = KeyId::parse("0123456789ABCDEF").unwrap();
    assert_eq!((key.as_str(), key.to_string()), ("0123456789ABCDEF", "0123456789ABCDEF".into()));
    let scope = Scope::parse("github:admin");
    assert_eq!((scope.as_str(), scope.to_string()), ("github:admin", "github:admin".into()));
}

#[test]
fn budgets_of_keys_and_organizations_never_share_a_text() {
    let key = KeyId::parse("0123456789ABCDEF").unwrap();
    assert_eq!(BudgetKey::from(&key).as_str(), "0123456789ABCDEF");
    let organization = OrganizationId::new("0123456789ABCDEF").unwrap();
    assert_eq!(BudgetKey::from(&organization).as_str(), "org:0123456789ABCDEF");
}

#[test]
fn spellings_are_those_of_github_and_of_the_documentation() {
    assert_eq!([Access::Read, Access::Write, Access::Admin].map(Access::as_str), ["read", "write", "admin"]);
    assert_eq!(
        [BudgetClass::Read, BudgetClass::Write].map(BudgetClass::as_str),
        ["read-light", "write-light"]
    );
    for action in ["install", "update", "request"] {
        assert_eq!(SetupAction::of_github(action).as_str(), action);
    }
}

#[test]
fn predefined_tiers_are_found_by_their_names_only() {
    for tier in [Tier::standard(), Tier::pilot(), Tier::partner()] {
        assert_eq!(Tier::named(&tier.name), Some(tier));
    }
    assert_eq!(Tier::named("Standard"), None);
    let tier = Tier::named("pilot").unwrap();
    assert_eq!((tier.reads_per_minute, tier.writes_per_minute, tier.writes_per_day), (1_200, 600, 100_000));
}

#[test]
fn digests_return_the_stored_bytes() {
    let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    assert_eq!(SecretDigest::from_bytes(bytes).as_bytes(), &bytes);
    assert_eq!(ApiKeySecretHash::from_bytes(bytes).as_bytes(), &bytes);
    let state = State::parse("lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK").unwrap();
    assert_eq!(state.digest(), SecretDigest::of(state.expose().as_bytes()));
}

/// What a log line may show of a secret: which one it is, never its text.
#[test]
fn debug_identifies_secrets_without_showing_them_i_14() {
    let key = ApiKey::parse(KEY).unwrap();
    let shown = format!("{key:?}");
    assert!(shown.contains("0123456789ABCDEF") && !shown.contains("abcdefghij"), "{shown}");

    let token = InstallationToken::new(NewToken {
        installation: InstallationId::new(7_001).unwrap(),
        secret: "ghs_canary".into(),
        issued_at: datetime!(2026-06-01 12:00 UTC),
        expires_at: datetime!(2026-06-01 13:00 UTC),
        web_origin: "https://github.com".into(),
    });
    let shown = format!("{token:?}");
    assert!(
        shown.contains("7001") && shown.contains("2026-06-01 13:00") && !shown.contains("canary"),
        "{shown}"
    );

    let secrets = WebhookSecrets::new(["canary-number-one".into(), "canary-number-two".into()]).unwrap();
    assert_eq!(format!("{secrets:?}"), "WebhookSecrets(2)");

    let mut bytes = [0xee; 32];
    bytes[..4].copy_from_slice(&[0x01, 0x23, 0x45, 0x67]);
    assert_eq!(format!("{:?}", SecretDigest::from_bytes(bytes)), "sha256:01234567…");
}
