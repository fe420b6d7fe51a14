//! The URL of the database, with libpq's parameters.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use super::open_error::OpenError;

/// Settings of the server; the role is the better place for them, since it counts behind a pooler, too.
const SETTING: &str =
    "remove it and run ALTER ROLE … SET …, or, without a pooler, write options=-c%20NAME%3DVALUE";
const POOL: &str = "remove it and set the number of connections of the pool";
const STATEMENTS: &str = "remove it and set the statement mode to unnamed";
const PASSWORD: &str = "remove it and write the password into the URL, which a file may contain";
const TLS: &str = "remove it: TLS is 1.2 or later, and revocation lists are not read";
const READ_WRITE: &str = "any or read-write, since Dockline writes";

/// Parameters of libpq and of other drivers that this crate does not apply, with what to do instead.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("statement_timeout", SETTING),
    ("lock_timeout", SETTING),
    ("idle_in_transaction_session_timeout", SETTING),
    ("idle_session_timeout", SETTING),
    ("search_path", "remove it and set the schema of Dockline's tables"),
    ("currentSchema", "remove it and set the schema of Dockline's tables"),
    ("schema", "remove it and set the schema of Dockline's tables"),
    ("connection_limit", POOL),
    ("max_connections", POOL),
    ("pool_max_conns", POOL),
    ("pool_timeout", "remove it: each call has a deadline that includes the wait for a connection"),
    ("socket_timeout", "remove it: each call has a deadline"),
    ("prepared_statements", STATEMENTS),
    ("prepareThreshold", STATEMENTS),
    ("statement_cache_size", STATEMENTS),
    ("statement_cache_capacity", STATEMENTS),
    ("default_query_exec_mode", STATEMENTS),
    ("passfile", PASSWORD),
    ("service", "remove it and write host, user and database into the URL"),
    ("servicefile", "remove it and write host, user and database into the URL"),
    ("ssl", "remove it and write sslmode=require or sslmode=verify-full"),
    ("requiressl", "remove it and write sslmode=require or sslmode=verify-full"),
    ("sslcrl", TLS),
    ("sslcrldir", TLS),
    ("ssl_max_protocol_version", TLS),
    ("sslpassword", "remove it and decrypt the key file: openssl pkey -in KEY -out NEW"),
    ("sslcertmode", "remove it: the certificate of sslcert is sent if the server asks for it"),
    ("require_auth", "remove it; channel_binding=require allows only SCRAM over TLS"),
    ("replication", "remove it"),
];

/// Parameters without effect on this crate, and the values of which that is true; without values, all are.
const IGNORED: &[(&str, &[&str])] = &[
    ("pgbouncer", &[]),
    ("supa", &[]),
    ("uselibpqcompat", &[]),
    ("gssencmode", &["disable", "prefer"]),
    ("gsslib", &[]),
    ("gssdelegation", &[]),
    ("krbsrvname", &[]),
    ("sslcompression", &["0"]),
    ("sslsni", &["1"]),
    ("ssl_min_protocol_version", &["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ("client_encoding", &["auto", "utf8", "UTF8", "utf-8", "UTF-8"]),
];

/// Parameters that the client library parses, with their valid values.
const PASSED_ON: &[(&str, &str)] = &[
    ("user", "the name of a role"),
    ("password", "a password, percent-encoded"),
    ("dbname", "the name of a database"),
    ("options", "options of the server, percent-encoded"),
    ("application_name", "a name, percent-encoded"),
    ("sslnegotiation", "postgres or direct"),
    ("host", "host names, separated by commas"),
    ("hostaddr", "IP addresses, separated by commas"),
    ("port", "port numbers, separated by commas"),
    ("connect_timeout", "a number of seconds"),
    ("tcp_user_timeout", "a number of milliseconds"),
    ("keepalives", "0 or 1"),
    ("keepalives_idle", "a number of seconds"),
    ("keepalives_interval", "a number of seconds"),
    ("keepalives_retries", "a number"),
    ("channel_binding", "disable, prefer or require"),
    ("load_balance_hosts", "disable or random"),
];

/// The parsed URL.
#[derive(Debug, Clone)]
pub(crate) struct Url {
    pub(crate) config: Config,
    pub(crate) tls: TlsOptions,
}

/// The files of TLS, which the client library does not parse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TlsOptions {
    pub(crate) check: CertificateCheck,
    /// The paths of the client certificate and its key.
    pub(crate) client: Option<(String, String)>,
}

/// How the server's certificate is checked, if the connection is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum CertificateCheck {
    /// Not at all, like libpq's `prefer` and `require`: protects against eavesdropping, not against impersonation.
    #[default]
    None,
    /// Issued for the host name by an authority that the platform trusts.
    Platform,
    /// Issued by an authority in this PEM file, and for the host name if `names`.
    File { path: String, names: bool },
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

#[derive(Default)]
struct Parameters {
    passed_on: Vec<String>,
    mode: Option<SslMode>,
    verify: Option<Verify>,
    authorities: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
    any_session: Option<bool>,
    fallback_name: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Verify {
    Authority,
    AuthorityAndName,
}

impl Parameters {
    fn add(&mut self, name: &str, raw: &str, value: &str) -> Result<(), OpenError> {
        let invalid = |valid| Err(OpenError::InvalidParameter { name: name.to_owned(), valid });
        match name {
            "sslmode" => match value {
                "disable" => self.mode = Some(SslMode::Disable),
                "allow" | "prefer" => self.mode = Some(SslMode::Prefer),
                "require" => self.mode = Some(SslMode::Require),
                "verify-ca" => self.verify = Some(Verify::Authority),
                "verify-full" => self.verify = Some(Verify::AuthorityAndName),
                _ => return invalid("disable, allow, prefer, require, verify-ca or verify-full"),
            },
            "sslrootcert" => self.authorities = Some(value.to_owned()),
            "sslcert" => self.certificate = Some(value.to_owned()),
            "sslkey" => self.key = Some(value.to_owned()),
            "target_session_attrs" => match value {
                "any" => self.any_session = Some(true),
                "read-write" | "primary" => self.any_session = Some(false),
                _ => return invalid(READ_WRITE),
            },
            "fallback_application_name" => self.fallback_name = Some(value.to_owned()),
            // The client library's name of it differs from libpq's.
            "keepalives_count" => return self.pass_on("keepalives_retries", raw, "a number"),
            _ => return self.add_from_tables(name, raw, value),
        }
        Ok(())
    }

    fn add_from_tables(&mut self, name: &str, raw: &str, value: &str) -> Result<(), OpenError> {
        if let Some((name, valid)) = PASSED_ON.iter().find(|(known, _)| *known == name) {
            return self.pass_on(name, raw, valid);
        }
        if let Some((_, harmless)) = IGNORED.iter().find(|(known, _)| *known == name) {
            return if harmless.is_empty() || harmless.contains(&value) {
                Ok(())
            } else {
                let instead = "remove it: only its default is supported";
                Err(OpenError::UnsupportedParameter { name: name.to_owned(), instead })
            };
        }
        if let Some((_, instead)) = UNSUPPORTED.iter().find(|(known, _)| *known == name) {
            return Err(OpenError::UnsupportedParameter { name: name.to_owned(), instead });
        }
        let is_name = (1..=63).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        Err(if is_name {
            OpenError::UnknownParameter { name: name.to_owned() }
        } else {
            OpenError::InvalidUrl
        })
    }

    fn pass_on(&mut self, name: &'static str, raw: &str, valid: &'static str) -> Result<(), OpenError> {
        let parameter = format!("{name}={raw}");
        // Parsed alone, so that the error can name it.
        if format!("postgres://h/d?{parameter}").parse::<Config>().is_err() {
            return Err(OpenError::InvalidParameter { name: name.to_owned(), valid });
        }
        self.passed_on.push(parameter);
        Ok(())
    }

    fn tls(&mut self) -> Result<TlsOptions, OpenError> {
        let check = match (self.authorities.take(), self.verify) {
            (Some(path), _) if path == "system" => CertificateCheck::Platform,
            (Some(path), verify) => CertificateCheck::File { path, names: verify != Some(Verify::Authority) },
            // Anyone can get a certificate of a public authority, so it is worth nothing without the name.
            (None, Some(_)) => CertificateCheck::Platform,
            (None, None) => CertificateCheck::None,
        };
        let client = match (self.certificate.take(), self.key.take()) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(OpenError::ClientCertificate("sslcert is set without sslkey".to_owned()));
            }
            (None, Some(_)) => {
                return Err(OpenError::ClientCertificate("sslkey is set without sslcert".to_owned()));
            }
        };
        Ok(TlsOptions { check, client })
    }
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
