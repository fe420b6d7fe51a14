use std::fmt::Debug;
use std::time::Duration;

use crate::error::GithubError;

/// Receives each request to GitHub and each signature, for metrics. A method of the port may send several requests, or
/// none during a pause.
pub trait Observer: Debug + Send + Sync + 'static {
    /// Called when a request has completed. Must not block.
    fn call_completed(&self, call: CompletedCall);

    /// Called when a JWT has been signed with the App's key. Must not block.
    fn jwt_signed(&self);
}

/// A request that was sent, and its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompletedCall {
    /// The endpoint.
    pub operation: Operation,
    /// The outcome.
    pub outcome: CallOutcome,
    /// Time from sending the request to the last byte of the response.
    pub duration: Duration,
}

macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$of])* $variant,)*
        }

        impl $name {
            /// All values.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the value of the metrics' label.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

labels! {
    /// An endpoint of GitHub.
    Operation {
        /// `GET /app`
        App = "app",
        /// `POST /app-manifests/{code}/conversions`
        ConvertManifest = "convert_manifest",
        /// `GET /app/installations/{id}`
        Installation = "installation",
        /// `DELETE /app/installations/{id}`
        Uninstall = "uninstall",
        /// `POST /app/installations/{id}/access_tokens`
        Mint = "mint",
        /// `GET /app/hook/config`
        HookConfig = "hook_config",
        /// `GET /app/hook/deliveries`
        Deliveries = "deliveries",
        /// `GET /app/hook/deliveries/{id}`
        Delivery = "delivery",
        /// `POST /app/hook/deliveries/{id}/attempts`
        Redeliver = "redeliver",
        /// `GET /installation/repositories`
        Repositories = "repositories",
        /// `DELETE /installation/token`
        RevokeToken = "revoke_token",
        /// `POST /login/oauth/access_token`
        ExchangeCode = "exchange_code",
        /// `GET /user`
        Visitor = "visitor",
        /// `GET /user/installations`
        VisitorInstallations = "visitor_installations",
        /// `GET /user/memberships/orgs/{org}`
        VisitorMembership = "visitor_membership",
        /// `DELETE /applications/{client_id}/token`
        RevokeVisitorToken = "revoke_visitor_token",
    }
}

labels! {
    /// The outcome of a request.
    CallOutcome {
        /// 2xx.
        Ok = "ok",
        /// 404, a normal response to a lookup.
        NotFound = "not_found",
        /// 401.
        Unauthorized = "unauthorized",
        /// 403 or 451 for another reason than a rate limit or a suspended installation.
        Denied = "denied",
        /// 403: the installation is suspended.
        Suspended = "suspended",
        /// 403 or 429: a rate limit.
        RateLimited = "rate_limited",
        /// 422.
        Unprocessable = "unprocessable",
        /// 5xx.
        ServerError = "server_error",
        /// No complete response in time.
        TimedOut = "timed_out",
        /// No connection, or a broken one.
        Unreachable = "unreachable",
        /// Not a response of GitHub's: a redirect, too large, or not HTTP.
        InvalidResponse = "invalid_response",
        /// Another status.
        UnexpectedStatus = "unexpected_status",
    }
}

impl CallOutcome {
    pub(crate) const fn of(error: &GithubError) -> Self {
        match error {
            GithubError::NotFound { .. } | GithubError::UnknownApp => Self::NotFound,
            GithubError::CredentialRejected { .. }
            | GithubError::ClockSkew { .. }
            | GithubError::VisitorTokenRejected => Self::Unauthorized,
            GithubError::PermissionMissing { .. } | GithubError::Denied { .. } => Self::Denied,
            GithubError::Suspended => Self::Suspended,
            GithubError::RateLimited { .. } | GithubError::Paused { .. } => Self::RateLimited,
            GithubError::Unprocessable { .. } => Self::Unprocessable,
            GithubError::Server { .. } => Self::ServerError,
            GithubError::TimedOut => Self::TimedOut,
            GithubError::Unreachable { .. } => Self::Unreachable,
            GithubError::Redirect { .. }
            | GithubError::InvalidResponse { .. }
            | GithubError::TooLarge { .. } => Self::InvalidResponse,
            GithubError::OtherApp { .. }
            | GithubError::UnsupportedApiVersion { .. }
            | GithubError::UnexpectedStatus { .. }
            | GithubError::NoOauthClient
            | GithubError::OauthClientRejected { .. }
            | GithubError::ExchangeRejected { .. }
            | GithubError::ManifestCodeRejected
            | GithubError::Signing(_)
            | GithubError::TaskEnded => Self::UnexpectedStatus,
        }
    }
}
