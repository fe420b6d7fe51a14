//! The URL of the database, with libpq's parameters.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use super::open_error::OpenError;
use super::parameters::{CertificateCheck, Parameters, TlsOptions};

/// The parsed URL.
#[derive(Debug, Clone)]
pub(crate) struct Url {
    pub(crate) config: Config,
    pub(crate) tls: TlsOptions,
}

/// Parses a URL. Errors name a parameter, but contain no value.
pub(crate) fn parse(url: &str) -> Result<Url, OpenError> {
    let url = url.trim();
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(OpenError::InvalidUrl);
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    // Then the question mark may belong to a password, and the rest must not be quoted as a parameter's name.
    if query.contains('@') {
        return Err(OpenError::InvalidUrl);
    }
    let mut parameters = Parameters::default();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').ok_or(OpenError::InvalidUrl)?;
        let decoded = percent_decode_str(value).decode_utf8().map_err(|_| OpenError::InvalidUrl)?;
        parameters.add(name, value, &decoded)?;
    }
    let passed_on = parameters.passed_on.join("&");
    let mut config: Config = format!("{address}?{passed_on}").parse().map_err(|_| OpenError::InvalidUrl)?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(OpenError::InvalidUrl);
    }
    let several = config.get_hosts().len().max(config.get_hostaddrs().len()) > 1;
    // A standby among several hosts answers, too, but cannot write.
    config.target_session_attrs(match parameters.any_session.unwrap_or(!several) {
        true => TargetSessionAttrs::Any,
        false => TargetSessionAttrs::ReadWrite,
    });
    if config.get_application_name().is_none() {
        config.application_name(parameters.fallback_name.as_deref().unwrap_or("dockline"));
    }
    let tls = parameters.tls()?;
    if let Some(mode) = parameters.mode {
        config.ssl_mode(mode);
    }
    if tls.check != CertificateCheck::None {
        config.ssl_mode(SslMode::Require);
    }
    Ok(Url { config, tls })
}

/// Returns the limit of one connection attempt that the URL sets.
pub(crate) fn connect_timeout(config: &Config) -> Option<Duration> {
    config.get_connect_timeout().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(names: bool) -> CertificateCheck {
        CertificateCheck::File { path: "/ca.pem".into(), names }
    }

    fn error(query: &str) -> OpenError {
        parse(&format!("postgres://u:p@h/d?{query}")).unwrap_err()
    }

    #[test]
    fn sslmode_and_sslrootcert_decide_encryption_and_certificate_check() {
        for (query, mode, check) in [
            ("", SslMode::Prefer, CertificateCheck::None),
            ("?sslmode=disable", SslMode::Disable, CertificateCheck::None),
            ("?sslmode=prefer", SslMode::Prefer, CertificateCheck::None),
            ("?sslmode=require&connect_timeout=3", SslMode::Require, CertificateCheck::None),
            ("?sslmode=verify-full", SslMode::Require, CertificateCheck::Platform),
            ("?sslmode=verify-ca", SslMode::Require, CertificateCheck::Platform),
            ("?sslrootcert=system", SslMode::Require, CertificateCheck::Platform),
            ("?sslrootcert=system&sslmode=verify-ca", SslMode::Require, CertificateCheck::Platform),
            ("?sslrootcert=%2Fca.pem&sslmode=verify-ca", SslMode::Require, file(false)),
            ("?sslmode=verify-full&sslrootcert=/ca.pem", SslMode::Require, file(true)),
            ("?sslrootcert=/ca.pem&sslmode=prefer", SslMode::Require, file(true)),
            ("?sslrootcert=/ca.pem", SslMode::Require, file(true)),
        ] {
            let url = parse(&format!("postgres://u:p@db.example/d{query}")).unwrap();
            assert_eq!((url.config.get_ssl_mode(), url.tls.check), (mode, check), "{query}");
        }
    }

    #[test]
    fn sessions_are_named_dockline_unless_the_url_names_them() {
        for (query, name) in
            [("", "dockline"), ("?application_name=blue", "blue"), ("?fallback_application_name=red", "red")]
        {
            let url = parse(&format!("postgresql://h/d{query}")).unwrap();
            assert_eq!(url.config.get_application_name(), Some(name));
        }
    }

    #[test]
    fn several_hosts_need_one_that_accepts_writes_unless_the_url_says_otherwise() {
        for (url, attributes) in [
            ("postgres://a/d", TargetSessionAttrs::Any),
            ("postgres://a,b/d", TargetSessionAttrs::ReadWrite),
            ("postgres://a,b/d?target_session_attrs=any", TargetSessionAttrs::Any),
            ("postgres://a/d?target_session_attrs=primary", TargetSessionAttrs::ReadWrite),
        ] {
            assert_eq!(parse(url).unwrap().config.get_target_session_attrs(), attributes, "{url}");
        }
        assert!(matches!(error("target_session_attrs=standby"), OpenError::InvalidParameter { .. }));
    }

    #[test]
    fn harmless_parameters_are_ignored() {
        for query in [
            "pgbouncer=true",
            "gssencmode=disable",
            "gssencmode=prefer&krbsrvname=postgres",
            "sslsni=1&sslcompression=0&ssl_min_protocol_version=TLSv1.2",
            "client_encoding=UTF8",
            "keepalives_count=3",
            "sslmode=allow",
        ] {
            assert!(parse(&format!("postgres://u:p@h/d?{query}")).is_ok(), "{query}");
        }
    }

    #[test]
    fn an_unknown_or_unsupported_parameter_is_named_with_help() {
        for (query, name, help) in [
            ("statement_timeout=5000", "statement_timeout", "ALTER ROLE"),
            ("gssencmode=require", "gssencmode", "remove it"),
            ("client_encoding=LATIN1", "client_encoding", "remove it"),
            ("sslpassword=x", "sslpassword", "decrypt"),
            ("connection_limit=1", "connection_limit", "number of connections"),
            ("ssl=true", "ssl", "sslmode=require"),
            ("no_such_thing=1", "no_such_thing", "remove no_such_thing"),
            ("connect_timeout=soon", "connect_timeout", "a number of seconds"),
            ("sslmode=no-verify", "sslmode", "verify-full"),
            ("port=x", "port", "port numbers"),
        ] {
            let error = error(query);
            assert!(error.cause().contains(&format!("parameter {name} ")), "{query}: {error}");
            assert!(error.help().contains(help), "{query}: {error}");
        }
        assert!(matches!(error("sslcert=/c.pem"), OpenError::ClientCertificate(_)));
        assert!(matches!(error("sslkey=/k.pem"), OpenError::ClientCertificate(_)));
    }

    #[test]
    fn no_part_of_an_invalid_url_but_a_parameters_name_is_in_the_error() {
        for bad in [
            "",
            "host=localhost password=canary",
            "mysql://u:canary@h/d",
            "postgres://u:canary@h:port/d",
            "postgres://u:canary@h/d?x=canary",
            "postgres://u:canary@h/d?sslmode=canary",
            "postgres://u:canary@h/d?canary",
            "postgres://u:word?canary=word@h/d",
            "postgres://u:p@h/d?%63anary=1",
            "postgres:///d",
        ] {
            let error = parse(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{bad}");
        }
        // A host may also be given by its address alone.
        assert!(parse("postgres:///d?hostaddr=127.0.0.1").is_ok());
    }
}
