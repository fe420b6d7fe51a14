//! TLS of connections, if the crate is built with it.

use tokio_postgres::Config;

use super::open_error::OpenError;
use super::parameters::TlsOptions;

#[cfg(feature = "__tls")]
pub(crate) type Tls = tokio_postgres_rustls::MakeRustlsConnect;

#[cfg(not(feature = "__tls"))]
pub(crate) type Tls = tokio_postgres::NoTls;

#[cfg(feature = "__tls")]
pub(crate) fn connector(config: &Config, options: &TlsOptions) -> Result<Tls, OpenError> {
    Ok(tokio_postgres_rustls::MakeRustlsConnect::new(super::rustls_config::client_config(config, options)?))
}

#[cfg(not(feature = "__tls"))]
pub(crate) fn connector(config: &Config, options: &TlsOptions) -> Result<Tls, OpenError> {
    // Any certificate check requires TLS, too.
    if config.get_ssl_mode() == tokio_postgres::config::SslMode::Require || options.client.is_some() {
        return Err(OpenError::TlsNotBuilt);
    }
    Ok(tokio_postgres::NoTls)
}
