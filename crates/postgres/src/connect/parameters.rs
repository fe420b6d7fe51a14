//! The parameters of the URL, which are libpq's and those of other drivers.

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

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

/// The parameters of a URL.
#[derive(Default)]
pub(super) struct Parameters {
    pub(super) passed_on: Vec<String>,
    pub(super) mode: Option<SslMode>,
    verify: Option<Verify>,
    authorities: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
    pub(super) any_session: Option<bool>,
    pub(super) fallback_name: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Verify {
    Authority,
    AuthorityAndName,
}

impl Parameters {
    /// Adds a parameter: its name, and its value as written and decoded.
    pub(super) fn add(&mut self, name: &str, raw: &str, value: &str) -> Result<(), OpenError> {
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

    /// Takes the parameters of TLS.
    pub(super) fn tls(&mut self) -> Result<TlsOptions, OpenError> {
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
