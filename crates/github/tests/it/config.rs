//! Configuration is validated when the gateway is built, with cause and remedy (L-44).

use std::time::Duration;

use dockline::AppId;
use dockline::ports::GithubGateway;
use dockline_github::{
    ApiVersion, ConfigError, GithubApp, GithubAppConfig, GithubHost, HostProblem, Issuer, KeyProblem,
    PublicKey, SecretString,
};

use crate::fixtures::PKCS1;

fn config() -> GithubAppConfig {
    GithubAppConfig::new(AppId::new(7).unwrap(), "acme-dock", PKCS1.into())
}

fn error(config: GithubAppConfig) -> ConfigError {
    GithubApp::new(config).unwrap_err()
}

#[test]
fn an_app_id_is_a_number_with_optional_blanks_around_it() {
    for good in ["7", " 7\n", "7\r\n"] {
        GithubAppConfig::from_text(good, "acme-dock", PKCS1.into()).unwrap();
    }
    for bad in ["", "0", "-1", "+7", "7.0", "Iv23abc", "9007199254740992", "7 8"] {
        let refused = GithubAppConfig::from_text(bad, "acme-dock", PKCS1.into()).unwrap_err();
        assert_eq!(refused, ConfigError::AppId, "{bad}");
    }
}

#[test]
fn a_slug_has_only_the_characters_of_slugs() {
    for good in ["acme-dock", "a", "a1_b", " acme-dock\n", &"x".repeat(100)] {
        let config = GithubAppConfig::new(AppId::new(7).unwrap(), good, PKCS1.into());
        let page = GithubApp::new(config).unwrap().registration().install_page;
        assert_eq!(page, format!("https://github.com/apps/{}/installations/new", good.trim()));
    }
    for bad in ["", "Acme Dock", "acme/dock", "acme.dock", "Acme", "a?b", "../x", &"x".repeat(101)] {
        assert_eq!(
            error(GithubAppConfig::new(AppId::new(7).unwrap(), bad, PKCS1.into())),
            ConfigError::Slug,
            "{bad}"
        );
    }
}

#[test]
fn client_id_and_secret_have_only_their_own_characters() {
    let with = |id: &str, secret: &str| config().with_oauth_client(id, SecretString::from(secret));
    assert!(GithubApp::new(with(" Iv1.8a61f9b3a7aba766\n", "secret\n")).is_ok());
    for bad in ["", " ", "a b", "a/b", "a:b"] {
        assert_eq!(error(with(bad, "secret")), ConfigError::ClientId, "{bad:?}");
        assert_eq!(
            error(config().with_issuer(Issuer::ClientId(bad.to_owned()))),
            ConfigError::ClientId,
            "{bad:?}"
        );
    }
    for bad in ["", " \n", "two words", "ü"] {
        assert_eq!(error(with("Iv1.x", bad)), ConfigError::ClientSecret, "{bad:?}");
    }
}

#[test]
fn the_private_key_is_parsed_at_start() {
    let with = |pem: &str| GithubAppConfig::new(AppId::new(7).unwrap(), "acme-dock", SecretString::from(pem));
    let small = include_str!("../keys/rsa-1024.pem");
    let refused = error(with(small));
    assert_eq!(refused, ConfigError::PrivateKey(KeyProblem::TooSmall));
    assert_eq!(refused.cause(), "the App's private key has fewer than 2048 bits");
    assert_eq!(refused.help(), "generate a new one on the App's settings page");
    assert_eq!(refused.to_string(), format!("{}: {}", refused.cause(), refused.help()));
    assert_eq!(error(with("")), ConfigError::PrivateKey(KeyProblem::NotPem));
}

#[test]
fn timeouts_are_more_than_zero_and_at_most_ten_minutes() {
    for bad in [Duration::ZERO, Duration::from_secs(601), Duration::MAX] {
        assert_eq!(error(config().with_timeout(bad)), ConfigError::Timeout);
        assert_eq!(error(config().with_connect_timeout(bad)), ConfigError::Timeout);
        assert_eq!(error(config().with_signing_timeout(bad)), ConfigError::Timeout);
    }
    assert!(GithubApp::new(config().with_timeout(Duration::from_secs(600))).is_ok());
}

#[test]
fn a_user_agent_suffix_is_printable_ascii() {
    assert!(GithubApp::new(config().with_user_agent_suffix("acme/2 (+https://acme.example)")).is_ok());
    for bad in ["", " ", "a\r\nb", "ü"] {
        assert_eq!(error(config().with_user_agent_suffix(bad)), ConfigError::UserAgent, "{bad:?}");
    }
}

#[test]
fn both_api_versions_parse() {
    assert_eq!("2022-11-28".parse(), Ok(ApiVersion::V2022_11_28));
    assert_eq!(" 2026-03-10\n".parse(), Ok(ApiVersion::V2026_03_10));
    assert_eq!("2022-11-29".parse::<ApiVersion>(), Err(ConfigError::ApiVersion));
    assert_eq!(ApiVersion::V2026_03_10.to_string(), "2026-03-10");
}

#[test]
fn the_install_page_of_an_enterprise_server_has_another_path() {
    let host: GithubHost = "github.example.com".parse().unwrap();
    let app = GithubApp::new(config().with_host(host)).unwrap();
    assert_eq!(
        app.registration().install_page,
        "https://github.example.com/github-apps/acme-dock/installations/new"
    );
    assert_eq!(app.registration().authorize_page, None);
}

#[test]
fn the_gateway_is_a_port_and_its_futures_are_send() {
    fn is_send<T: Send>(_: T) {}
    let app = GithubApp::new(config()).unwrap();
    let port: std::sync::Arc<dyn GithubGateway> = std::sync::Arc::new(app);
    is_send(port.app());
}

#[test]
fn all_problems_are_returned_at_once() {
    assert_eq!(config().problems(), []);
    let config = GithubAppConfig::new(AppId::new(7).unwrap(), "Acme Dock", SecretString::from("no key"))
        .with_oauth_client("a b", SecretString::from(""))
        .with_issuer(Issuer::ClientId("c d".to_owned()))
        .with_timeout(Duration::ZERO)
        .with_user_agent_suffix("");
    let expected = [
        ConfigError::Slug,
        ConfigError::ClientId,
        ConfigError::ClientSecret,
        ConfigError::ClientId,
        ConfigError::Timeout,
        ConfigError::UserAgent,
        ConfigError::PrivateKey(KeyProblem::NotPem),
    ];
    assert_eq!(config.problems(), expected);
    assert_eq!(error(config), ConfigError::Slug);
}

#[test]
fn a_problem_names_the_setting_and_the_remedy_apart() {
    let host: ConfigError = "api.github.com".parse::<GithubHost>().unwrap_err();
    assert_eq!(host, ConfigError::Host(HostProblem::IsTheApi));
    assert_eq!(host.cause(), "the GitHub host is the API's");
    assert!(host.help().starts_with("give the one that people visit"), "{}", host.help());
    let id = ConfigError::AppId;
    assert_eq!(id.cause(), "the App id is not a number from 1 to 2^53-1");
    assert_eq!(id.help(), "copy \"App ID\" from the App's settings page");
    let store = ConfigError::TrustStore("no such file".to_owned());
    assert_eq!(store.cause(), "the machine's certificate authorities cannot be loaded (no such file)");
    let key = PublicKey::from_pem("").unwrap_err();
    assert_eq!(key.to_string(), format!("{}: {}", key.cause(), key.help()));
}
