use std::fmt;

/// Why a pool cannot be made. Contains no part of the URL except the names of its parameters, since the URL contains a
/// password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is invalid. Handling: write it as `postgres://user:password@host:5432/database?sslmode=require`.
    InvalidUrl,
    /// The URL has a parameter of an unknown name. Handling: remove or correct it.
    UnknownParameter {
        /// The parameter's name.
        name: String,
    },
    /// The URL has a parameter that this crate does not apply. Handling: [`OpenError::help`] names the replacement.
    UnsupportedParameter {
        /// The parameter's name.
        name: String,
        /// The replacement.
        instead: &'static str,
    },
    /// The value of a parameter is invalid. Handling: [`OpenError::help`] names the valid ones.
    InvalidParameter {
        /// The parameter's name.
        name: String,
        /// The valid values.
        valid: &'static str,
    },
    /// The certificate authorities could not be loaded. Handling: see the cause.
    Authorities(String),
    /// The client certificate or its key could not be loaded. Handling: see the cause.
    ClientCertificate(String),
    /// The URL asks for TLS, and this build has none. Handling: enable a feature, or use `sslmode=disable`.
    TlsNotBuilt,
    /// The size is 0. Handling: use 1 or more.
    NoConnections,
}

impl OpenError {
    /// Returns what is wrong.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::InvalidUrl => "not a PostgreSQL URL".to_owned(),
            Self::UnknownParameter { name } => format!("the URL's parameter {name} is unknown"),
            Self::UnsupportedParameter { name, .. } => format!("the URL's parameter {name} is not supported"),
            Self::InvalidParameter { name, .. } => {
                format!("the value of the URL's parameter {name} is invalid")
            }
            Self::Authorities(cause) => {
                format!("the authorities for the server's certificate cannot be used: {cause}")
            }
            Self::ClientCertificate(cause) => format!("the client certificate cannot be used: {cause}"),
            Self::TlsNotBuilt => {
                "sslmode, sslrootcert or sslcert asks for TLS, but dockline-postgres was built without it"
                    .to_owned()
            }
            Self::NoConnections => "a pool needs at least one connection".to_owned(),
        }
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::InvalidUrl => {
                "write postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…, percent-encoded".to_owned()
            }
            Self::UnknownParameter { name } => {
                format!("remove {name}; docs/postgresql.md lists the parameters")
            }
            Self::UnsupportedParameter { instead, .. } => (*instead).to_owned(),
            Self::InvalidParameter { name, valid } => format!("set {name} to {valid}"),
            Self::Authorities(_) => {
                "name a PEM file of certificates with sslrootcert, or system for the platform's".to_owned()
            }
            Self::ClientCertificate(_) => {
                "name the certificate with sslcert and its unencrypted key with sslkey, both PEM files"
                    .to_owned()
            }
            Self::TlsNotBuilt => "enable its feature `ring` or `aws-lc-rs`".to_owned(),
            Self::NoConnections => "set 1 or more".to_owned(),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause(), self.help())
    }
}

impl std::error::Error for OpenError {}
