//! All configuration errors are reported at once, each with place, cause and help.

use std::net::TcpListener;

use crate::program::{Folder, dockline, ran};

#[test]
fn all_errors_in_the_file_are_reported_with_their_line() {
    let folder = Folder::new();
    let text = "listne = ':1'\nclaim-policy = 'foo'\nlisten = '8080'\nmigrations = true\n[database]\nconnections = 'many'\n";
    let file = folder.file("c.toml", text);
    let (code, _, stderr) = ran(&mut dockline(&["serve", "--config", &file]));
    assert_eq!(code, Some(2));
    assert!(stderr.starts_with("dockline: the configuration has 5 errors:\n"), "{stderr}");
    for expected in [
        "c.toml:1: listne: there is no such option\n     help: did you mean listen?",
        "c.toml:2: claim-policy: the value \"foo\" is not accepted\n     help: give one of: state, visible, installer, controlled",
        "c.toml:3: listen: the value \"8080\" is not accepted: write it as 127.0.0.1:8080",
        "c.toml:4: migrations: has a value of the wrong type, boolean",
        "c.toml:6: database-connections: the value \"many\" is not accepted",
    ] {
        assert!(stderr.contains(expected), "{expected}\n{stderr}");
    }
}

#[test]
fn missing_or_malformed_file_is_reported() {
    let folder = Folder::new();
    let (code, _, stderr) = ran(&mut dockline(&["config", "--config", &folder.path("none.toml")]));
    assert!(code == Some(2) && stderr.contains("none.toml: cannot be read"), "{stderr}");
    let file = folder.file("c.toml", "listen = ':1'\nlisten = ':2'\n");
    let (code, _, stderr) = ran(&mut dockline(&["migrate", "--config", &file]));
    assert!(code == Some(2) && stderr.contains("c.toml:2: is not TOML: duplicate key"), "{stderr}");
    let (code, _, stderr) =
        ran(&mut dockline(&["serve", "--config", &folder.file("d.toml", "config = 'x'")]));
    assert!(code == Some(2) && stderr.contains("d.toml:1: config: there is no such option"), "{stderr}");
}

#[test]
fn errors_of_flags_and_variables_have_claps_format() {
    let (code, _, stderr) = ran(&mut dockline(&["serve", "--listne", ":1"]));
    assert_eq!(code, Some(2));
    assert!(stderr.starts_with("error: unexpected argument '--listne' found"), "{stderr}");
    assert!(stderr.contains("'--listen'"), "{stderr}");
    let (code, _, stderr) = ran(dockline(&["serve"]).env("DOCKLINE_CLAIM_POLICY", "foo"));
    assert!(
        code == Some(2) && stderr.starts_with("error: invalid value 'foo' for '--claim-policy"),
        "{stderr}"
    );
}

#[test]
fn serve_reports_all_local_errors_at_once() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let weak = folder.file("weak", "0000000000000000000000000");
    let short = folder.file("short", "short");
    let empty = folder.file("empty", " \n");
    let key = folder.file("key.pem", include_str!("../../../github/tests/keys/ec-pkcs8.pem"));
    let (code, stdout, stderr) = ran(&mut dockline(&[
        "serve",
        "--listen",
        &listen,
        "--database-url",
        "mysql://u:canary@h/d",
        "--database-schema",
        "Bad Name",
        "--database-connections",
        "0",
        "--github-web-url",
        "http://github.example.com",
        "--github-api-url",
        "https://github.example.com/api/v3?x",
        "--github-app-id",
        "12x",
        "--github-app-slug",
        "Bad Slug",
        "--github-client-id",
        "bad id",
        "--github-client-secret-file",
        &empty,
        "--github-private-key-file",
        &key,
        "--webhook-secret-file",
        &weak,
        "--webhook-secret-file",
        &short,
        "--webhook-secret-file",
        &folder.path("none"),
        "--public-url",
        "http://api.example.com",
    ]));
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    for expected in [
        "--database-url: not a PostgreSQL URL",
        "--database-schema: a schema name has 1 to 63",
        "--database-connections: a pool needs at least one",
        "--github-web-url: the GitHub host is plain http",
        "--github-api-url: the GitHub host is not a host name",
        "--github-app-id: the App id is not a number",
        "--github-app-slug: the App's slug is not",
        "--github-client-id: the client id is not",
        "--github-client-secret-file: ",
        "--github-private-key-file: the App's private key is not an RSA key",
        "--webhook-secret-file: has fewer than 16 bytes, or repeats one byte",
        "none cannot be read",
        "--public-url: is not an https URL",
        "--listen: cannot listen on",
    ] {
        assert!(stderr.contains(expected), "{expected}\n{stderr}");
    }
    assert_eq!(stderr.matches("has fewer than 16 bytes").count(), 2, "{stderr}");
    // Each error has a number and help.
    assert!(stderr.contains("the configuration has 15 errors"), "{stderr}");
    assert_eq!(stderr.matches("\n     help: ").count(), 15, "{stderr}");
    assert!(!stderr.contains("canary"), "{stderr}");
}

#[test]
fn every_kind_of_invalid_private_key_is_named() {
    for (pem, cause) in [
        (include_str!("../../../github/tests/keys/ec-sec1.pem"), "is not an RSA key"),
        (include_str!("../../../github/tests/keys/rsa-2048-public.pem"), "is a public key or a certificate"),
        (include_str!("../../../github/tests/keys/rsa-2048-encrypted-pkcs8.pem"), "is encrypted"),
        (include_str!("../../../github/tests/keys/rsa-1024.pem"), "has fewer than 2048 bits"),
        (include_str!("../../../github/tests/keys/tls/server.pem"), "is a public key or a certificate"),
        ("/etc/dockline/key.pem", "is not PEM text"),
        (" \n", "is empty"),
    ] {
        let mut command =
            dockline(&["serve", "--listen", ":0", "--github-app-slug", "s", "--github-app-id", "1"]);
        let (code, _, stderr) = ran(command.env("DOCKLINE_GITHUB_PRIVATE_KEY", pem));
        assert_eq!(code, Some(2));
        assert!(stderr.contains("--github-private-key: ") && stderr.contains(cause), "{cause}\n{stderr}");
    }
}

#[test]
fn contradicting_options_are_reported() {
    let folder = Folder::new();
    let file = folder.file("secret", "0123456789abcdef0123456789abcdef");
    let errors = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = dockline(&["serve", "--listen", ":0"]);
        command.args(arguments).envs(environment.iter().copied());
        let (code, _, stderr) = ran(&mut command);
        assert_eq!(code, Some(2), "{stderr}");
        stderr
    };
    for (option, variable) in [
        ("database-url", "DOCKLINE_DATABASE_URL"),
        ("github-client-secret", "DOCKLINE_GITHUB_CLIENT_SECRET"),
        ("github-private-key", "DOCKLINE_GITHUB_PRIVATE_KEY"),
        ("https-proxy", "DOCKLINE_HTTPS_PROXY"),
        ("webhook-secret", "DOCKLINE_WEBHOOK_SECRET"),
    ] {
        let stderr = errors(&[&format!("--{option}-file"), &file], &[(variable, "x")]);
        let expected = format!("--{option}: is set twice: directly, and by --{option}-file");
        assert!(stderr.contains(&expected), "{stderr}");
    }
    let stderr = errors(&["--github-client-id", "Iv1"], &[]);
    assert!(stderr.contains("--github-client-id: is set without its secret"), "{stderr}");
    let stderr = errors(&["--github-client-secret-file", &file], &[]);
    assert!(stderr.contains("--github-client-secret: is set without a client id"), "{stderr}");
    assert!(stderr.contains("--claim-policy: needs an OAuth client"), "{stderr}");
    assert!(stderr.contains("--github-app-id: neither it nor --github-client-id is set"), "{stderr}");
    let stderr = errors(&["--github-signer-command", "sign", "--github-private-key-file", &file], &[]);
    assert!(stderr.contains("--github-signer-command: is set together with a private key"), "{stderr}");
    let stderr = errors(&["--github-signer-command", "'open", "--github-public-key-file", &file], &[]);
    assert!(
        stderr.contains("--github-signer-command: has an unclosed quote or a trailing backslash"),
        "{stderr}"
    );
    assert!(stderr.contains("is not a public key in PEM"), "{stderr}");
    let stderr = errors(&["--github-jwt-issuer", "app-id", "--github-client-id", "Iv1"], &[]);
    assert!(stderr.contains("--github-jwt-issuer: is app-id, but --github-app-id is not set"), "{stderr}");
    let stderr = errors(&["--github-jwt-issuer", "client-id", "--github-app-id", "7"], &[]);
    assert!(
        stderr.contains("--github-jwt-issuer: is client-id, but --github-client-id is not set"),
        "{stderr}"
    );
    let stderr = errors(&["--github-api-version", "2021-01-01"], &[]);
    assert!(stderr.contains("the API version is neither 2022-11-28 nor 2026-03-10"), "{stderr}");
    let url = "socks5://ann:canary@proxy.example.com:1080";
    let named = folder.file("proxy", url);
    for (place, stderr) in [
        ("--https-proxy", errors(&[], &[("DOCKLINE_HTTPS_PROXY", url)])),
        ("--https-proxy-file", errors(&["--https-proxy-file", &named], &[])),
    ] {
        assert!(stderr.contains(&format!("{place}: the proxy is not an http or https URL")), "{stderr}");
        assert!(!stderr.contains("canary"), "{stderr}");
    }
    let stderr = errors(&["--github-web-url", "https://a.test"], &[]);
    assert!(stderr.contains("--github-web-url: is set without --github-api-url"), "{stderr}");
    let stderr = errors(&[], &[]);
    assert!(stderr.contains("--github-private-key-file: the App has no private key here"), "{stderr}");
    // Without a URL, the database is a file.
    assert!(!stderr.contains("--database-url"), "{stderr}");
}

#[test]
fn parameters_of_the_database_url_are_ignored_applied_or_named() {
    let errors = |parameters: &str| {
        let url = format!("postgres://u:canary@127.0.0.1:1/d?{parameters}");
        let (_, _, stderr) = ran(dockline(&["serve", "--listen", ":0"]).env("DOCKLINE_DATABASE_URL", url));
        assert!(!stderr.contains("canary"), "{stderr}");
        stderr
    };
    for harmless in ["pgbouncer=true", "gssencmode=disable", "sslrootcert=system", "sslmode=verify-ca"] {
        assert!(!errors(harmless).contains("--database-url: "), "{harmless}");
    }
    for (parameters, expected) in [
        (
            "statement_timeout=5s",
            "parameter statement_timeout is not supported\n     help: remove it and run ALTER ROLE",
        ),
        ("no_such=1", "parameter no_such is unknown\n     help: remove no_such"),
        ("sslmode=on", "value of the URL's parameter sslmode is invalid\n     help: set sslmode to disable"),
        ("sslcert=/none", "client certificate cannot be used: sslcert is set without sslkey\n     help: "),
    ] {
        let stderr = errors(parameters);
        assert!(stderr.contains(expected), "{stderr}");
    }
}

/// Notepad of Windows saves files with a byte order mark.
#[test]
fn file_may_start_with_a_byte_order_mark() {
    let folder = Folder::new();
    let file = folder.file("c.toml", "\u{FEFF}listen = ':1'\n");
    let (code, stdout, stderr) = ran(&mut dockline(&["config", "--config", &file]));
    assert!(code == Some(0) && stdout.contains(":1"), "{stdout}{stderr}");
}

#[test]
fn an_invalid_rust_log_is_named_in_a_warning() {
    let log = |levels: &str| ran(dockline(&["doctor"]).env("RUST_LOG", levels)).2;
    assert!(log("dockline=loud").contains("RUST_LOG is invalid and ignored"), "{}", log("dockline=loud"));
    for valid in ["", " ", "dockline=debug"] {
        assert!(!log(valid).contains("RUST_LOG"), "{}", log(valid));
    }
}
